import { expect, test } from 'vitest';
import { cellProgram, LOAD, SCOPE } from '../../../docs/site/live/cellProgram.ts';

/** Runs cells one after the other as the page's worker does; gives what they have declared. */
async function ran(cells: readonly string[], modules: Record<string, object> = {}): Promise<Record<string, unknown>> {
  const names: Record<string, unknown> = {};
  for (const cell of cells) {
    const program = new Function(SCOPE, LOAD, `with (${SCOPE}) { return (async () => { 'use strict';\n${cellProgram(cell)}\n})(); }`);
    await program(names, (module: string) => modules[module] ?? {});
  }
  return names;
}

test('a cell uses what earlier cells have declared, and may declare a name anew', async () => {
  const names = await ran(['const a: number = 2;', 'const b = a * 10;', 'function a(): string { return "b is " + b; }', 'const c = a();']);
  expect(names).toMatchObject({ b: 20, c: 'b is 20' });
});

test('what is imported is there in later cells; types are left out', async () => {
  const library = { one: 1, two: 2, default: 3 };
  const cell =
    "import three, { one, type Kind, two as second } from 'library';\nimport * as all from 'library';\nimport type { Other } from 'types';";
  expect(await ran([cell, 'const sum: Kind = three + one + second + all.two;'], { library })).toMatchObject({ sum: 8 });
});

test('a cell may wait, and its patterns, classes and parameter properties are those of TypeScript', async () => {
  const names = await ran([
    'const [first, { inner: [second], ...rest }] = await Promise.resolve([1, { inner: [2], more: 3 }]);',
    'class Pair { constructor(readonly left: number, private right = 1) {} get sum(): number { return this.left + this.right; } }',
    'const total = new Pair(first + second).sum satisfies number;',
  ]);
  expect(names).toMatchObject({ first: 1, second: 2, rest: { more: 3 }, total: 4 });
});

test('names inside of functions stay there', async () => {
  expect(
    Object.keys(await ran(['const f = (x: number) => { const inside = x; return inside; };\nfor (const i of [1]) { const each = i; }'])),
  ).toEqual(['f']);
});

test('an error in the syntax is told with its line and column', () => {
  expect(() => cellProgram("import {\n  a,\n} from 'library';\nconst b = (;")).toThrow('(4:12)');
});
