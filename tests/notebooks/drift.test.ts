import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';

const folder = temporaryFolder();
const script = resolve('tests/notebooks/drift.py');

type Output = Readonly<Record<string, unknown>>;
const printed = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text });
const shown = (data: Readonly<Record<string, unknown>>): Output => ({ output_type: 'display_data', metadata: {}, data });
const table = (columns: readonly string[], text: string) =>
  shown({ 'text/html': `<table><tr>${columns.map((name) => `<th>${name}</th>`).join('')}</tr></table>`, 'text/plain': text });
const figure = (values: readonly number[], mark = 'line', title = 'Loss') =>
  shown({
    'application/vnd.vegalite.v5+json': {
      mark: { type: mark },
      title,
      data: { name: `d${values[0]}` },
      datasets: { [`d${values[0]}`]: values },
    },
    'text/plain': `${title} ends at ${values.at(-1)}`,
  });

function notebook(tags: readonly string[], outputs: readonly Output[], lowrank?: object) {
  const heading = { cell_type: 'markdown', metadata: {}, source: '# One' };
  return { metadata: lowrank ? { lowrank } : {}, cells: [heading, { cell_type: 'code', metadata: { tags }, source: '1;', outputs }] };
}

/** What the comparison says of a cell whose outputs are the first ones and were the second ones. */
function compared(fresh: readonly Output[], committed: readonly Output[], tags: readonly string[] = [], lowrank?: object): string {
  const names = ['fresh', 'committed'].map((name) => folder(`${name}.ipynb`)) as [string, string];
  for (const [i, outputs] of [fresh, committed].entries()) writeFileSync(names[i] ?? '', JSON.stringify(notebook(tags, outputs, lowrank)));
  try {
    return execFileSync(resolve('.venv/bin/python'), [script, ...names], { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    return (error as { stderr: string }).stderr.trim();
  }
}

describe('a fresh run against the committed outputs', () => {
  test('the same outputs agree, wherever a stream was cut', () => {
    expect(compared([printed('one\n'), printed('two\n')], [printed('one\ntwo\n')])).toBe('');
  });

  test('another word is named with its cell and both lines', () => {
    expect(compared([printed('the prefix wins by 2')], [printed('LoRA wins by 2')])).toBe(
      "cell 2: the committed output says 'LoRA wins by 2', a fresh run 'the prefix wins by 2'",
    );
  });

  test('numbers agree within the tolerance of the notebook and a step of their last digit; whole numbers are the same', () => {
    expect(compared([printed('loss 3.2104')], [printed('loss 3.2111')])).toBe('');
    expect(compared([printed('loss 3.3')], [printed('loss 3.2')])).toBe('');
    expect(compared([printed('loss 3.31')], [printed('loss 3.21')])).toMatch(
      /^cell 2: 3\.21 became 3\.31: the committed output says 'loss 3\.21'/,
    );
    expect(compared([printed('loss 3.31')], [printed('loss 3.21')], [], { tolerance: 0.05 })).toBe('');
    expect(compared([printed('12,289 numbers')], [printed('12,288 numbers')])).toContain('12,288 became 12,289');
  });

  test('what should be zero may be a rounding error of float32, and no more', () => {
    expect(compared([printed('off by 2.1e-6')], [printed('off by 0')])).toBe('');
    expect(compared([printed('off by 2.1e-3')], [printed('off by 0')])).toContain('0 became 2.1e-3');
  });

  test('the padding of a table follows its numbers; its words and its order of rows do not', () => {
    const columns = ['method', 'loss'];
    const [old, wider, turned] = ['a  ★ 9.99\nb  ★ 9.98', 'a  ★  10.00\nb    9.98', 'b  ★ 9.98\na    9.99'];
    expect(compared([table(columns, wider)], [table(columns, old)])).toBe('');
    expect(compared([table(columns, turned)], [table(columns, old)])).toContain("says 'a ★ 9.99', a fresh run 'b ★ 9.98'");
  });

  test('another kind of output, or one more, is drift under every tag', () => {
    for (const tags of [[], ['trained'], ['free']]) {
      expect(compared([printed('1')], [table(['a'], '1')], tags)).toContain(
        "its output is ['stdout'], and was ['display_data', 'text/html', 'text/plain']",
      );
      expect(compared([printed('1'), table(['a'], '1')], [printed('1')], tags)).toContain('it has 2 outputs, and had 1');
    }
  });

  test('a figure is compared with its data, or without where a training made them', () => {
    expect(compared([figure([5, 4.2])], [figure([5, 4.2])])).toBe('');
    expect(compared([figure([6, 4.2])], [figure([5, 4.2])])).toContain('figure.datasets.set[0][0] became 6; committed is 5');
    expect(compared([figure([6, 4.2])], [figure([5, 4.2])], ['trained'])).toBe('');
    expect(compared([figure([5, 4.2], 'bar')], [figure([5, 4.2])], ['trained'])).toContain(
      "figure.mark.type: the committed output says 'line'",
    );
  });

  test('a trained cell keeps its words, and its numbers within the wider tolerance', () => {
    expect(compared([printed('24 steps, loss 1.10')], [printed('24 steps, loss 1.02')], ['trained'])).toBe('');
    expect(compared([printed('24 steps, loss 2.10')], [printed('24 steps, loss 1.02')], ['trained'])).toContain('1.02 became 2.10');
    expect(compared([printed('24 steps, loss 2.10')], [printed('24 steps, loss 1.02')], ['trained'], { trained: 0.6 })).toBe('');
    expect(compared([printed('24 steps, NaN')], [printed('24 steps, loss 1.02')], ['trained'])).toContain("a fresh run '24 steps, NaN'");
  });

  test('a free cell keeps the columns of its table and the marks of its figure', () => {
    expect(compared([table(['ms'], '12\n13')], [table(['ms'], '900')], ['free'])).toBe('');
    expect(compared([table(['ms', 'MB'], '12')], [table(['ms'], '900')], ['free'])).toContain("the columns ['ms', 'MB'], and had ['ms']");
    expect(compared([figure([1], 'line', 'Faster')], [figure([2], 'line', 'Slower')], ['free'])).toBe('');
    expect(compared([figure([1], 'bar')], [figure([2])], ['free'])).toContain("the marks ['bar'], and had ['line']");
  });
});

describe('the committed outputs', () => {
  const names = readdirSync('notebooks').filter((name) => name.endsWith('.ipynb'));

  test.each(names)('%s holds no path of a machine, and states how far its numbers may move', (name) => {
    const { cells, metadata } = JSON.parse(readFileSync(`notebooks/${name}`, 'utf8')) as {
      cells: { outputs?: unknown[]; metadata: { tags?: string[] } }[];
      metadata: { lowrank?: { tolerance?: number; trained?: number } };
    };
    expect(JSON.stringify(cells.map(({ outputs }) => outputs))).not.toMatch(
      /(?<![\w.:/])\/(home|root|tmp|work|usr|Users|var|opt)\/|[A-Z]:\\\\|\.local\b/,
    );
    expect(cells.some(({ outputs }) => outputs && outputs.length > 0)).toBe(true);
    expect(metadata.lowrank?.tolerance).toBeLessThanOrEqual(0.01);
    if (cells.some(({ metadata: { tags } }) => tags?.includes('trained'))) expect(metadata.lowrank?.trained).toBeLessThan(1);
  });
});
