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

/** The notebook of this name, made of these cells, with a heading after them, so that they count from 1. */
function write(name: string, cells: readonly string[]): string {
  const file = join(folder, name, `${name}.ipynb`);
  mkdirSync(join(folder, name), { recursive: true });
  const notebook = {
    cells: [
      ...cells.map((source, index) => ({ cell_type: 'code', id: `c${index}`, metadata: {}, execution_count: null, outputs: [], source })),
      { cell_type: 'markdown', id: 'head', metadata: {}, source: `# The notebook named ${name}` },
    ],
    metadata: { kernelspec: { name: 'tslab', display_name: 'TypeScript', language: 'typescript' }, lowrank: { tolerance: 0.002 } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  writeFileSync(file, JSON.stringify(notebook));
  return file;
}

/** Runs the gate over the notebook of this name. */
function gate(name: string, options: readonly string[] = [], env = process.env): Promise<{ code: number; output: string }> {
  const own = join(folder, name);
  const words = [join(checkout, 'tests/notebooks/execute.py'), '--folder', own, '--build', join(own, 'out'), ...options];
  return new Promise((done) => {
    execFile(join(checkout, '.venv/bin/python'), words, { env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

function execute(name: string, cells: readonly string[], options: readonly string[] = []): Promise<{ code: number; output: string }> {
  write(name, cells);
  return gate(name, options);
}

describe('the notebook gate', () => {
  it('writes outputs back without traces of the run, executes again only what changed or with FORCE, and fails on drift', async () => {
    const cells = [
      "import { show } from 'lowrank-notebook';\nconst rows = [{ a: 1 }];",
      'await show(rows);',
      "console.log('one');\nconsole.log('two is 2.5');",
    ];
    const file = write('good', cells);
    const { code, output } = await gate('good', ['--to', 'notebooks']);
    expect(output).toMatch(/good\.ipynb: \d+ s/);
    expect(code).toBe(0);
    const written = JSON.parse(readFileSync(file, 'utf8'));
    expect(written.cells[1].outputs[0].data['text/html'].join('')).toContain('<table');
    expect(written.cells[2].outputs).toEqual([{ name: 'stdout', output_type: 'stream', text: ['one\n', 'two is 2.5\n'] }]);
    expect(written.cells.every((cell: { metadata: object }) => Object.keys(cell.metadata).length === 0)).toBe(true);
    expect(written.metadata.lowrank).toEqual({ tolerance: 0.002 });
    expect(readFileSync(join(folder, 'good/out/good.html'), 'utf8')).toContain('two is 2.5');

    written.cells[2].outputs[0].text = ['one\n', 'two is 3.5\n'];
    writeFileSync(file, JSON.stringify(written));
    const again = await gate('good');
    expect(again.output).toContain('good.ipynb: unchanged');
    expect(again.code).toBe(0);
    const forced = await gate('good', [], { ...process.env, FORCE: '1' });
    expect(forced.output).toContain('FAILED good.ipynb: its outputs are no longer those that are committed\ncell 3: 3.5 became 2.5');
    expect(forced.code).toBe(1);
  }, 300_000);

  it('fails on a type error that tslab lets pass, and names the cell', async () => {
    const { code, output } = await execute('types', ['const a = 1;', "const a = 'again';\nconst b: string = null;"], ['--check']);
    expect(code).toBe(1);
    expect(output).toContain('cell 2, line 2');
    expect(output).not.toContain('redeclare');
  });

  it('executes a notebook again that has changed, and fails on a cell that throws', async () => {
    const { code, output } = await execute('good', ["console.log('before');", "throw new Error('broken on purpose');"]);
    expect(code).toBe(1);
    expect(output).toContain('FAILED good.ipynb');
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
});
