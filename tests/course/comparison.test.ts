import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FormatError } from 'lowrank';
import { Comparison, differencePlot, numberText } from 'lowrank-course';
import type { ExperimentResults } from 'lowrank-review';
import { describe, expect, it } from 'vitest';
import { compileChart } from '../../lib/notebook/src/svg';
import { checkResults } from '../../notebooks/course/src/comparison/checkResults';
import { textFaults } from '../notebook/svgTexts';

const file = path.resolve(import.meta.dirname, '../../experiments/results/reviewer-long.json');
const parsed = (): ExperimentResults => JSON.parse(readFileSync(file, 'utf8'));
const comment = { task: 'comment', metric: 'bleu4' } as const;

/** Two methods on one task, with one seed each. */
const small = {
  format: 2,
  config: { name: 'tiny', tasks: ['comment'], methods: [{ name: 'A' }, { name: 'B' }], seeds: [1], compare: [['A', 'B']] },
  environments: [],
  sweeps: [
    {
      method: 'A',
      task: 'comment',
      trials: [1, 2, 3].map((learningRate) => ({ learningRate, loss: learningRate === 2 ? 0.5 : null })),
      learningRate: 2,
      isAtEdge: false,
    },
  ],
  runs: ['A', 'B'].map((method) => ({
    method,
    task: 'comment',
    seed: 1,
    trainableParameters: 10,
    evaluations: [{ step: 0, loss: 4, seconds: 0 }],
  })),
  rows: [
    { method: 'A', task: 'comment', metric: 'bleu4', value: 60, low: 55, high: 65, perSeed: [60], examples: 8 },
    { method: 'B', task: 'comment', metric: 'bleu4', value: 20, low: 15, high: 25, perSeed: [20], examples: 8 },
  ],
  differences: [{ method: 'A', reference: 'B', task: 'comment', metric: 'bleu4', value: 40, low: 30, high: 48 }],
  notRun: [],
};
const difference = (low: number, high: number) => {
  const differences = [{ ...small.differences[0], low, high }];
  return new Comparison(checkResults({ ...small, differences }, 'tiny.json'));
};

describe('a plot of differences', () => {
  const pair = { method: 'LoRA', reference: 'prefix', task: 'comment', metric: 'bleu4', value: 5, low: 2, high: 8 } as const;
  const apart = (low: number) => JSON.stringify(differencePlot([{ ...pair, low }]).view);

  it('fills what leaves out 0, and leaves the rest hollow', () => {
    expect(apart(2)).not.toContain('transparent');
    expect(apart(-1)).toContain('transparent');
    expect(apart(0)).toContain('transparent');
  });

  it('has a panel for each task, and tells each interval in words', async () => {
    const plot = differencePlot([pair, { ...pair, task: 'necessity', metric: 'f1', value: -1, low: -3, high: 1 }], { title: 'Two' });
    expect(plot.sentence).toBe('Two. comment, BLEU-4: LoRA − prefix 5.0 (2.0 to 8.0). necessity, F1: LoRA − prefix −1.0 (−3.0 to 1.0).');
    const { svg } = await compileChart(plot.spec);
    expect(svg).toContain('necessity, F1');
    expect(textFaults(svg)).toEqual([]);
  });

  it('refuses to draw nothing, or a method without a colour', () => {
    expect(() => differencePlot([])).toThrow(/no differences/);
    expect(() => differencePlot([{ ...pair, method: 'A' }])).toThrow(/names no method with a colour/);
  });
});

describe('a comparison', () => {
  it('has the scores and the differences that were measured, and nothing where they were not', () => {
    const tiny = new Comparison(checkResults(small, 'tiny.json'));
    expect(tiny.values('A', { BLEU: comment, exact: { task: 'refinement', metric: 'exactMatch' } })).toEqual({ BLEU: 60 });
    expect(tiny.differences('A', 'B', [comment]).map(({ value }) => value)).toEqual([40]);
    expect(tiny.differences('B', 'A', [comment])).toEqual([]);
    expect(tiny.differences('A', 'B', [{ task: 'comment', metric: 'perplexity' }])).toEqual([]);
    expect(tiny.scores([comment], ['B'], 'by a linter')[0]).toMatchObject({ method: 'B', facet: 'comment, by a linter' });
    expect(tiny.scores([comment], ['B'])[0]).toMatchObject({ facet: 'comment' });
  });

  it('reads the committed results, which agree with themselves', () => {
    const comparison = Comparison.read(file);
    expect(comparison.methods).toContain('prefix K=10');
    expect(comparison.row('base', comment).perSeed).toHaveLength(1);
    expect(comparison.parameters('LoRA r=16, α=16')).toBe(921_600);
    expect(comparison.parameters('base')).toBe(0);
  });

  it.each<[string, object, RegExp]>([
    ['an older format', { format: 1 }, /format 1 where 2/],
    ['a missing list', { sweeps: undefined }, /no list 'sweeps'/],
    ['a run that is lost', { runs: small.runs.slice(1) }, /A on comment with seed 1 is neither in runs nor in notRun/],
    [
      'a run that is there and not there',
      { notRun: [{ method: 'A', task: 'comment', seed: 1 }] },
      /A on comment with seed 1 is there twice/,
    ],
    [
      'a run of a stranger',
      { notRun: [{ method: 'C', task: 'comment', seed: 1 }] },
      /C on comment with seed 1 is not in the configuration/,
    ],
    ['a sweep that chose another rate', { sweeps: [{ ...small.sweeps[0], learningRate: 3 }] }, /chose 3, and its lowest loss is at 2/],
    ['a sweep with a wrong edge', { sweeps: [{ ...small.sweeps[0], isAtEdge: true }] }, /2 is not at the edge/],
    [
      'a row that is not the mean of its seeds',
      { rows: [{ ...small.rows[0], value: 61 }, small.rows[1]] },
      /says 61, and its seeds have a mean of 60/,
    ],
    ['an interval upside down', { rows: [{ ...small.rows[0], low: 70 }, small.rows[1]] }, /interval from 70 to 65/],
    ['seeds without runs', { rows: [{ ...small.rows[0], perSeed: [60, 60] }, small.rows[1]] }, /2 seeds, and there are 1 runs/],
    ['a score that is no number', { rows: [{ ...small.rows[0], value: null }, small.rows[1]] }, /not a number/],
    [
      'a difference that is not that of its rows',
      { differences: [{ ...small.differences[0], value: 41 }] },
      /says 41, and its rows say 40/,
    ],
    ['a difference without rows', { differences: [{ ...small.differences[0], reference: 'C' }] }, /has no rows/],
  ])('refuses %s', (_what, change, message) => {
    const read = () => checkResults({ ...small, ...change }, 'tiny.json');
    expect(read).toRefuse(FormatError, message);
  });

  it('refuses a file that is not there, and says how to make it', () => {
    expect(() => Comparison.read('nowhere.json')).toThrow(/cannot read nowhere\.json.*make experiment/);
  });

  it('says above or below only where the interval leaves out 0', () => {
    expect(difference(30, 48).tell('A', 'B', comment)).toBe('comment, BLEU-4: A is 40.0 points above B (30.0 to 48.0)');
    expect(difference(-3, 48).tell('A', 'B', comment)).toBe('comment, BLEU-4: A and B are not told apart (40.0; −3.0 to 48.0)');
    expect(difference(0, 48).tell('A', 'B', comment)).toContain('not told apart');
  });

  it('turns a negative difference round', () => {
    const [a, b] = small.rows;
    const rows = [
      { ...a, value: 20, low: 15, high: 25, perSeed: [20] },
      { ...b, value: 60, perSeed: [60], low: 55, high: 65 },
    ];
    const differences = [{ ...small.differences[0], value: -40, low: -48, high: -30 }];
    const comparison = new Comparison(checkResults({ ...small, rows, differences }, 'tiny.json'));
    expect(comparison.tell('A', 'B', comment)).toBe('comment, BLEU-4: A is 40.0 points below B (30.0 to 48.0)');
  });

  it('refuses what was not measured or not compared', () => {
    const comparison = difference(30, 48);
    expect(() => comparison.tell('B', 'A', comment)).toThrow(/no difference in bleu4 of 'B' and 'A'/);
    expect(() => comparison.row('A', { task: 'comment', metric: 'f1' })).toThrow(/no f1 of 'A' on comment/);
    expect(() => comparison.sweep('B', 'comment')).toThrow(/no sweep of 'B'/);
  });

  it('gives scores with intervals and parameters, and losses of every seed', () => {
    const comparison = difference(30, 48);
    expect(comparison.scores([comment], ['A'])).toEqual([{ method: 'A', value: 60, low: 55, high: 65, facet: 'comment', parameters: 10 }]);
    expect(comparison.losses('comment')).toHaveLength(2);
    expect(Comparison.read(file).losses('comment', ['prefix K=10']).length).toBe(
      parsed().runs.filter(({ method, task }) => method === 'prefix K=10' && task === 'comment').length,
    );
  });

  it('writes numbers with the decimals of their metric and a true minus', () => {
    expect(numberText('bleu4', -1.26)).toBe('−1.3');
    expect(numberText('codeLoss', 2.345)).toBe('2.35');
  });
});
