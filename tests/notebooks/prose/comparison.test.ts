/** What notebook 06 says in words about the measured comparison, held to the results file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Comparison, type Measure } from 'lowrank-course';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const measured = Comparison.read(path.join(root, 'experiments/results/reviewer-long.json'));
const { sweeps, rows, runs, config } = measured.results;

interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
  readonly outputs?: readonly { readonly text?: readonly string[] }[];
}
const notebook: { readonly cells: readonly Cell[] } = JSON.parse(
  readFileSync(path.join(root, 'notebooks/06-lora-vs-prefix.ipynb'), 'utf8'),
);
/** Numbers of formulas, such as `\\tag{6.1}` and `equation 2.1`, which count nothing. */
const formulas = /\\tag\{[\d.]+\}|equation \d+\.\d+/g;
const sources = notebook.cells.map(({ cell_type, source }) => ({
  isText: cell_type === 'markdown',
  text: source.join('').replace(formulas, ''),
}));
const at = (start: string) => sources.findIndex(({ isText, text }) => isText && text.includes(start));
const [paper, ours, closing] = [at('## 1. The paper'), at('## 3. A measurement of our own'), at('## Takeaways')];

const LORA = 'LoRA r=16, α=16';
const [LORA8, ALL, PREFIX, PREFIX29, FULL] = [
  'LoRA r=8, α=16',
  'LoRA r=8, α=16, all linear',
  'prefix K=10',
  'prefix K=29',
  'full fine-tuning',
];
const comment = { task: 'comment', metric: 'bleu4' } as const;
const refinement = { task: 'refinement', metric: 'exactMatch' } as const;
const necessity = { task: 'necessity', metric: 'f1' } as const;
const codeLoss = (task: Measure['task']) => ({ task, metric: 'codeLoss' }) as const;

/** `above`, `below`, or `not told apart`. */
function verdict(method: string, reference: string, measure: Measure): string {
  const { low, high } = measured.difference(method, reference, measure);
  return low > 0 ? 'above' : high < 0 ? 'below' : 'not told apart';
}
const lossesOf = (method: string, task: Measure['task']) =>
  measured.sweep(method, task).trials.map(({ loss }) => loss ?? Number.POSITIVE_INFINITY);
const lowest = (method: string) => Math.min(...lossesOf(method, 'comment'));

describe('the words of notebook 06 beside the results', () => {
  it('have no number that could go stale: those are computed in cells', () => {
    const settings =
      /F1|r = \d+|α = \d+|[αK] ?= ?\d+|95 %|leaves? out 0|from 0\b|SmolLM2-135M|\bscore 100\b|\bsection \d|## \d+\.|^\d\. /gm;
    const links = /\[[^\]]*\]\([^)]*\)/g;
    const loose = sources
      .slice(ours, closing)
      .filter(({ isText }) => isText)
      .flatMap(
        ({ text }) =>
          text
            .replace(links, '')
            .replace(settings, '')
            .match(/\d[\d.,]*/g) ?? [],
      );
    const known = ['10', '29', '8', '16', '64', '32']; // lengths of prefixes, ranks and α, which the configuration names
    expect(loose.filter((number) => !known.includes(number.replace(/[.,]$/, '')))).toEqual([]);
  });

  it('tell how the best rate of one layer moves with the batch', () => {
    const printed = notebook.cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ text = [] }) => text)).join('');
    const found = [...printed.matchAll(/^batches of (\d+): best at ([\d.]+), ([\d.]+) % missing$/gm)].map((match) =>
      match.slice(1).map(Number),
    );
    expect(found.map(([batch]) => batch)).toEqual([4, 16, 64]);
    const [rates, missing] = [1, 2].map((column) => found.map((row) => row[column] ?? Number.NaN)) as [number[], number[]];
    expect(rates).toEqual([...new Set(rates)].sort((a, b) => a - b)); // rises with the batch
    expect(missing).toEqual([...missing].sort((a, b) => a - b)); // and the result gets worse
    // Notebook 11: faster than the rule of √2 for twice the batch.
    expect((rates[2] ?? 0) / (rates[0] ?? 1)).toBeGreaterThan(Math.sqrt(64 / 4));
  });

  it('has no number of the paper that is not in a table, in a footnote, or a difference of two in a table', () => {
    const typed = sources.slice(paper, ours).flatMap(({ isText, text }) => (isText ? [] : (text.match(/\d+\.\d+/g) ?? [])));
    const tables = new Set(typed.map(Number));
    const elsewhere = [6.7, 81.56, 83.99, 88.61, 5.43, 5.27, 0.0032, 0.5]; // section IV.E, Tables VIII and IV, the footnote on rates; a threshold
    const leads = [5.58 - 5.16, 5.64 - 5.02, 81.87 - 76.71, 81.59 - 76.04, 5.64 - 5.58].map((lead) => Number(lead.toFixed(2)));
    const texts = [...sources.slice(paper, ours), ...sources.slice(closing, closing + 1)].filter(({ isText }) => isText);
    const numbers = texts.flatMap(({ text }) => text.replace(/arXiv [\d.v]+/g, '').match(/\d+\.\d+/g) ?? []).map(Number);
    expect(numbers.filter((number) => !tables.has(number) && !elsewhere.includes(number) && !leads.includes(number))).toEqual([]);
    expect(numbers.length).toBeGreaterThan(10);
  });

  it.each<[string, string, Measure, string]>([
    [LORA, PREFIX, comment, 'above'],
    [LORA, PREFIX, refinement, 'above'],
    [LORA, PREFIX, necessity, 'not told apart'],
    [LORA8, PREFIX29, comment, 'above'],
    [LORA8, PREFIX29, refinement, 'above'],
    [LORA8, PREFIX29, necessity, 'not told apart'],
    [PREFIX29, PREFIX, comment, 'above'],
    [PREFIX29, PREFIX, refinement, 'above'],
    [PREFIX, 'most frequent comment', comment, 'not told apart'],
    [LORA, 'copied code', { task: 'refinement', metric: 'bleu4' }, 'not told apart'],
    [PREFIX, 'copied code', { task: 'refinement', metric: 'bleu4' }, 'below'],
    [PREFIX, 'copied code', refinement, 'above'],
    [PREFIX, 'always yes', { task: 'necessity', metric: 'accuracy' }, 'above'],
    [LORA, LORA8, comment, 'above'],
    [LORA, LORA8, refinement, 'not told apart'],
    [LORA, LORA8, necessity, 'not told apart'],
    [ALL, LORA, comment, 'above'],
    [ALL, LORA, refinement, 'above'],
    [FULL, LORA, comment, 'above'],
    [FULL, LORA, refinement, 'above'],
    [FULL, ALL, comment, 'above'],
    [FULL, ALL, necessity, 'not told apart'],
    [FULL, LORA, necessity, 'not told apart'],
    [ALL, LORA, necessity, 'not told apart'],
    [ALL, LORA, { task: 'necessity', metric: 'accuracy' }, 'below'],
    [FULL, LORA, { task: 'necessity', metric: 'accuracy' }, 'below'],
    [PREFIX29, PREFIX, necessity, 'not told apart'],
    ...[comment, refinement, necessity].map((measure): [string, string, Measure, string] => [
      'prefix K=10, scalar gate',
      PREFIX,
      measure,
      'not told apart',
    ]),
    [FULL, ALL, refinement, 'not told apart'],
    ['LoRA r=8, α=16', 'LoRA r=8, α=8', comment, 'below'],
    ['LoRA r=16, α=32', LORA, comment, 'below'],
    [FULL, LORA, codeLoss('comment'), 'below'],
    [FULL, LORA, codeLoss('refinement'), 'below'],
    [FULL, LORA, codeLoss('necessity'), 'above'],
    ...['DoRA r=16, α=16', 'rsLoRA r=16, α=16'].flatMap((form) =>
      [comment, refinement, necessity].map((measure): [string, string, Measure, string] => [form, LORA, measure, 'not told apart']),
    ),
  ])('say that %s against %s is as measured (%o: %s)', (method, reference, measure, expected) => {
    expect(verdict(method, reference, measure)).toBe(expected);
  });

  it('say rightly that the best rate falls as α grows, and that the floor hardly moves', () => {
    const grid = [LORA, 'LoRA r=16, α=32', 'rsLoRA r=16, α=16'];
    const rates = grid.map((method) => measured.sweep(method, 'comment').learningRate);
    expect([...rates].sort((a, b) => b - a)).toEqual(rates);
    expect(rates.at(-1)).toBeLessThan(rates[0] ?? 0);
    const floors = ['LoRA r=8, α=8', LORA8, ...grid, 'DoRA r=16, α=16'].map(lowest);
    const span = Math.max(...floors) - Math.min(...floors);
    const along = lossesOf(LORA, 'comment');
    expect(Math.max(...along) - Math.min(...along)).toBeGreaterThan(10 * span);
  });

  it.each([
    ['LoRA r=8, α=8', LORA8],
    [LORA, 'LoRA r=16, α=32'],
  ])('say rightly that %s and %s share a rate on comments, and that the larger α won the sweep', (smaller, larger) => {
    expect(measured.sweep(smaller, 'comment').learningRate).toBe(measured.sweep(larger, 'comment').learningRate);
    expect(lowest(larger)).toBeLessThan(lowest(smaller));
  });

  it('say rightly that at one α two ranks learn alike, and at one α/r the higher is ahead while the rate is low', () => {
    const [low, high, scaled] = [LORA8, LORA, 'LoRA r=8, α=8'].map((method) => lossesOf(method, 'comment'));
    const gaps = (low ?? []).map((loss, place) => Math.abs(loss / (high?.[place] ?? Number.NaN) - 1));
    expect(Math.max(...gaps)).toBeLessThan(0.08);
    for (const place of [0, 1, 2, 3]) expect(high?.[place]).toBeLessThan(0.95 * (scaled?.[place] ?? Number.NaN));
  });

  it('name the rates of the two ranks rightly: equal but for comments', () => {
    const same = (task: Measure['task']) => measured.sweep(LORA, task).learningRate === measured.sweep(LORA8, task).learningRate;
    expect([same('comment'), same('refinement'), same('necessity')]).toEqual([false, true, true]);
  });

  it('say rightly that most necessity trials still guess, and that half of the prefix trials were far too high', () => {
    const trials = sweeps
      .filter(({ task }) => task === 'necessity')
      .flatMap((sweep) => sweep.trials.map(({ loss }) => loss ?? Number.POSITIVE_INFINITY));
    expect(trials.filter((loss) => Math.abs(loss - Math.LN2 / 2) < 0.03).length).toBeGreaterThan(trials.length / 2);
    const tooHigh = lossesOf(PREFIX, 'comment').filter((loss) => loss > 1.5 * lowest(PREFIX));
    expect(tooHigh).toHaveLength(3);
  });

  it('say rightly that most runs that the limit ended are on comments, the prefix among them', () => {
    const cut = runs.filter(({ endedBy }) => endedBy === 'maxSteps');
    expect(cut.filter(({ task }) => task === 'comment').length).toBeGreaterThan(cut.length / 2);
    expect(cut.some(({ method, task }) => method === PREFIX && task === 'comment')).toBe(true);
    expect(cut.length).toBeLessThan(runs.length / 2);
  });

  it('say rightly that refinement has the order of comments, and that necessity stays close to a guess', () => {
    const best = (method: string, task: Measure['task']) => {
      const own = runs.filter((run) => run.method === method && run.task === task);
      return own.reduce((sum, { evaluations }) => sum + Math.min(...evaluations.map(({ loss }) => loss)), 0) / own.length;
    };
    for (const task of ['comment', 'refinement'] as const) {
      expect(best(FULL, task)).toBeLessThan(best(LORA, task));
      expect(best(LORA, task)).toBeLessThan(best(PREFIX, task));
    }
    for (const method of [FULL, LORA, PREFIX]) {
      expect(best(method, 'necessity') / (Math.LN2 / 2)).toBeGreaterThan(0.7);
      expect(best(method, 'necessity') / (Math.LN2 / 2)).toBeLessThan(1);
    }
  });

  it('say rightly that adapters need about a quarter of the memory of full fine-tuning', () => {
    const bytes = (method: string) => runs.find((run) => run.method === method)?.stepBytes ?? Number.NaN;
    for (const method of measured.methods.filter((name) => name !== FULL)) {
      expect(bytes(method) / bytes(FULL)).toBeGreaterThan(0.2);
      expect(bytes(method) / bytes(FULL)).toBeLessThan(0.3);
    }
  });

  it('say rightly that everything forgets something, worst in necessity', () => {
    const losses = rows.filter(({ metric, method }) => (metric === 'codeLoss' || metric === 'englishLoss') && method !== 'base');
    for (const { method, task, metric, value } of losses) {
      const before = measured.row('base', { task, metric } as Measure).value;
      expect(value, `${method}, ${task}, ${metric}`).toBeGreaterThan(before);
    }
    const code = losses.filter(({ metric }) => metric === 'codeLoss').sort((a, b) => b.value - a.value);
    expect(code.slice(0, 5).map(({ task }) => task)).toEqual(Array.from({ length: 5 }, () => 'necessity'));
    const kept = measured.methods.filter(
      (method) => measured.row(method, codeLoss('necessity')).value < measured.row(method, codeLoss('comment')).value,
    );
    expect(kept.length).toBeGreaterThan(0);
  });

  it('say rightly that within LoRA and within the prefix higher rates forgot more in necessity', () => {
    for (const family of [/LoRA|DoRA/, /prefix/]) {
      const own = measured.methods.filter((method) => family.test(method));
      const points = own.map((method) => ({
        rate: measured.sweep(method, 'necessity').learningRate,
        loss: measured.row(method, codeLoss('necessity')).value,
      }));
      for (const a of points) for (const b of points) if (a.rate > b.rate) expect(a.loss).toBeGreaterThan(b.loss);
    }
  });

  it('say rightly that at the highest rate of LoRA plain code costs more than guessing every token alike', () => {
    const own = measured.methods.filter((method) => /LoRA|DoRA/.test(method));
    const rate = (method: string) => measured.sweep(method, 'necessity').learningRate;
    const highest = own.reduce((a, b) => (rate(b) > rate(a) ? b : a));
    expect(measured.row(highest, codeLoss('necessity')).low).toBeGreaterThan(Math.log(49_152));
  });

  it('name the form of the experiment as it ran', () => {
    expect(config.sweep.steps * 10).toBe(config.maxSteps); // "a tenth of the full length"
    expect(new Set(config.methods.map(({ learningRates }) => learningRates.length)).size).toBe(1);
  });
});

describe('what notebook 06 says of reviews written by people', () => {
  const people = Comparison.read(path.join(root, 'experiments/results/reviewer-human.json'));
  const side = (method: string, reference: string, measure: Measure) => {
    const { low, high } = people.difference(method, reference, measure);
    return low > 0 ? 'above' : high < 0 ? 'below' : 'not told apart';
  };
  const bleu = { task: 'refinement', metric: 'bleu4' } as const;

  it('is what the file has: every trained model falls on both tasks, LoRA most on comments', () => {
    const fallOf = (method: string, measure: Measure) => people.row(method, measure).value / measured.row(method, measure).value;
    const fall = (measure: Measure) => fallOf(LORA, measure);
    for (const method of [LORA, PREFIX, FULL]) for (const measure of [comment, refinement]) expect(fallOf(method, measure)).toBeLessThan(1);
    expect(fall(comment)).toBeLessThan(0.1);
    expect(fall(refinement)).toBeLessThan(0.25);
    expect(people.row(LORA, comment).value).toBeLessThan(10);
    expect(side(LORA, 'base', comment)).toBe('above');
  });

  it('is what the file has: copied code ahead by BLEU, LoRA by exact matches', () => {
    expect(side(LORA, 'copied code', bleu)).toBe('below');
    expect(side(LORA, 'copied code', refinement)).toBe('above');
    expect(people.row('copied code', refinement).value).toBe(0);
  });

  it('is what the file has: in refinement LoRA ahead of the prefix by both measures, and level with full fine-tuning', () => {
    expect(side(LORA, PREFIX, bleu)).toBe('above');
    expect(side(LORA, PREFIX, refinement)).toBe('above');
    expect(side(FULL, LORA, refinement)).toBe('not told apart');
  });

  it('is what the file has: on comments BLEU tells no two methods apart, and perplexity has the order of the linter', () => {
    const perplexity = { task: 'comment', metric: 'perplexity' } as const;
    for (const [one, other] of [
      [LORA, PREFIX],
      [FULL, LORA],
    ] as const) {
      expect(side(one, other, comment)).toBe('not told apart');
      expect(side(one, other, perplexity)).toBe('below');
      expect(verdict(one, other, perplexity)).toBe('below');
    }
    for (const method of [LORA, PREFIX, FULL]) expect(side(method, 'base', comment)).toBe('above');
  });

  it('counts whole sets of runs: every method and task has the same seeds', () => {
    const { runs: made, notRun, config: form } = people.results;
    expect(notRun).toEqual([]);
    expect(made.length).toBe(form.methods.length * form.tasks.length * form.seeds.length);
    expect(measured.results.notRun).toEqual([]);
  });
});
