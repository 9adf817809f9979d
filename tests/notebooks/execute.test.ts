import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = resolve(import.meta.dirname, '../..');
let folder = '';

beforeAll(() => {
  mkdirSync(join(checkout, 'build'), { recursive: true }); // inside the checkout, where cells find their packages
  folder = mkdtempSync(join(checkout, 'build/gate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the gate over one notebook made of these cells, with a heading after them, so that they count from 1. */
function execute(name: string, cells: readonly string[], options: readonly string[] = []): Promise<{ code: number; output: string }> {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  const notebook = {
    cells: [
      ...cells.map((source, index) => ({ cell_type: 'code', id: `c${index}`, metadata: {}, execution_count: null, outputs: [], source })),
      { cell_type: 'markdown', id: 'head', metadata: {}, source: `# The notebook named ${name}` },
    ],
    metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  writeFileSync(join(own, `${name}.ipynb`), JSON.stringify(notebook));
  const script = join(checkout, 'tests/notebooks/execute.py');
  return new Promise((done) => {
    execFile(
      join(checkout, '.venv/bin/python'),
      [script, '--folder', own, '--build', join(own, 'out'), ...options],
      (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

describe('the notebook gate', () => {
  it('skips a notebook that has been executed already, until it changes or FORCE is set', async () => {
    const cells = ["console.log('once');"];
    const own = join(folder, 'again');
    const first = await execute('again', cells);
    expect(first.output).toMatch(/again\.ipynb: \d+ s/);
    const second = await execute('again', cells);
    expect(second.output).toContain('again.ipynb: unchanged');
    expect(second.code).toBe(0);
    const changed = await execute('again', ["console.log('twice');"]);
    expect(changed.output).toMatch(/again\.ipynb: \d+ s/);
    expect(readFileSync(join(own, 'out/again.html'), 'utf8')).toContain('twice');
    process.env.FORCE = '1';
    const forced = await execute('again', ["console.log('twice');"]);
    delete process.env.FORCE;
    expect(forced.output).toMatch(/again\.ipynb: \d+ s/);
  }, 300_000);

  it('fails on a type error that tslab lets pass, and names the cell', async () => {
    const { code, output } = await execute('types', ['const a = 1;', "const a = 'again';\nconst b: string = null;"], ['--check']);
    expect(code).toBe(1);
    expect(output).toContain('cell 2, line 2');
    expect(output).not.toContain('redeclare');
  });

  it('fails on a cell that throws', async () => {
    const { code, output } = await execute('throws', ["console.log('before');", "throw new Error('broken on purpose');"]);
    expect(code).toBe(1);
    expect(output).toContain('FAILED throws.ipynb');
    expect(output).toContain('broken on purpose');
  });

  it('fails on an unhandled rejection, even one of the last cell', async () => {
    const { code, output } = await execute('rejects', ["Promise.reject(new Error('nobody waits'));\nconsole.log('green?');"]);
    expect(code).toBe(1);
    expect(output).toContain('nobody waits');
  });

  it('fails on text on stderr', async () => {
    const { code, output } = await execute('complains', ["console.log('fine');", "console.warn('not fine');"]);
    expect(code).toBe(1);
    expect(output).toContain('cell 2 wrote to stderr');
  });

  it('passes a good notebook and writes its outputs back without traces of the run', async () => {
    const good = [
      "import { show } from 'lowrank-notebook';\nconst rows = [{ a: 1 }];",
      'await show(rows);',
      "console.log('one');\nconsole.log('two');",
    ];
    const { code, output } = await execute('good', good, ['--to', 'notebooks']);
    expect(output).toContain('good.ipynb');
    expect(code).toBe(0);
    const written = JSON.parse(readFileSync(join(folder, 'good/good.ipynb'), 'utf8'));
    expect(written.cells[1].outputs[0].data['text/html'].join('')).toContain('<table');
    expect(written.cells[2].outputs).toEqual([{ name: 'stdout', output_type: 'stream', text: ['one\n', 'two\n'] }]);
    expect(written.cells.every((cell: { metadata: object }) => Object.keys(cell.metadata).length === 0)).toBe(true);
  });
});
