import { execFile } from 'node:child_process';
import fs from 'node:fs';
import nodePath from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const python = '.venv/bin/python';
const isSetUp = fs.existsSync('lib/lowrank/dist/index.js') && fs.existsSync(python); // the kernel runs what `make build` made

/** Cells, and what a reader sees of them. */
const CELLS: readonly (readonly [string, string])[] = [
  [
    `import { tf, Tokenizer } from 'lowrank';\nconst add = () => {\n  tf.add(tf.ones([2, 3]), tf.ones([4]));\n};\nconsole.log('defined');`,
    'defined',
  ],
  [
    'const before = 1;\nadd();',
    'Error: Invalid TF_Status: 3\nMessage: Incompatible shapes: [2,3] vs. [4]\n  at: tf.add(tf.ones([2, 3]), tf.ones([4]));',
  ],
  [
    'const late = async () => {\n  await null;\n  tf.tensor2d([1, 2, 3], [2, 2]);\n};\nawait late();',
    'Error: Based on the provided shape, [2,2], the tensor should have 4 values but has 3\n  at: tf.tensor2d([1, 2, 3], [2, 2]);',
  ],
  [
    "await Tokenizer.fromPretrained('/no/such');",
    "FormatError: /no/such: there is no such file or folder (ENOENT); check the path\n  at: await Tokenizer.fromPretrained('/no/such');",
  ],
  ["throw new Error('outer', { cause: new TypeError('inner') });", 'Error: outer\n  because: inner\n  at: throw new Error('],
  ["throw new Error('outer (inner)', { cause: new TypeError('inner') });", 'Error: outer (inner)\n  at: throw new Error('],
  ['throw 3;', '3'],
  ["console.error(new Error('shown'));", 'Error: shown\n    at '],
  ["const text: number = 'x';", "1:7 - Type 'string' is not assignable to type 'number'."],
];

test.skipIf(!isSetUp)(
  'the error of a cell is its message and the line of the cell, and no message comes before the kernel can answer',
  async () => {
    const directory = folder('cells');
    fs.mkdirSync(directory);
    const report = `${directory}/unhandled`;
    const slow = nodePath.resolve('tests/notebooks/kernel/slowPublisher.cjs');
    const env = { ...process.env, NODE_OPTIONS: `--require ${JSON.stringify(slow)}`, LOWRANK_HEADLESS: report };
    const stdout = await new Promise<string>((resolve, reject) => {
      const child = execFile(python, ['tests/notebooks/kernel/cellErrors.py', directory], { env }, (error, out) =>
        error ? reject(error) : resolve(out),
      );
      child.stdin?.end(JSON.stringify(CELLS.map(([cell]) => cell)));
    });
    expect(fs.existsSync(report)).toBe(false);
    const printed: string[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(printed.map((text, i) => text.slice(0, CELLS[i]?.[1].length))).toEqual(CELLS.map(([, text]) => text));
    for (const [i, text] of printed.entries()) {
      const isOwn = CELLS[i]?.[0].startsWith('console.error'); // prints what it is told to
      expect(isOwn || !/node_modules|\n {4}at /.test(text), text).toBe(true);
    }
  },
  90_000,
);
