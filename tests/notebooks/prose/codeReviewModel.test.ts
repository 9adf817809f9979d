/** What notebook 05 says in words about its rates, tokens and scores, held to the results file and to the notebook's own outputs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Comparison } from 'lowrank-course';
import type { ReviewTask } from 'lowrank-review';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const measured = Comparison.read(path.join(root, 'experiments/results/reviewer-long.json'));

interface Output {
  readonly text?: readonly string[];
  readonly data?: Readonly<Record<string, readonly string[] | string>>;
}
interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
  readonly outputs?: readonly Output[];
}
const { cells }: { readonly cells: readonly Cell[] } = JSON.parse(
  readFileSync(path.join(root, 'notebooks/05-code-review-model.ipynb'), 'utf8'),
);
const words = cells.flatMap(({ cell_type, source }) => (cell_type === 'markdown' ? [source.join('')] : [])).join('\n');
const printed = cells
  .flatMap(({ outputs = [] }) => outputs)
  .map(({ text, data }) => [text ?? data?.['text/plain'] ?? ''].flat().join(''))
  .join('\n');

/** The numbers in the row of a printed table that begins with these words. */
function rowOf(...names: readonly string[]): number[] {
  const row = printed.split('\n').find((line) => names.every((name, column) => line.trim().split(/\s{2,}/)[column] === name)) ?? '';
  return [...row.matchAll(/-?\d+(\.\d+)?/g)].map(([number]) => Number(number)).slice(names.filter((name) => /\d/.test(name)).length);
}
const losses = (method: string, task: ReviewTask) =>
  measured.sweep(method, task).trials.map(({ loss }) => loss ?? Number.POSITIVE_INFINITY);
const best = (method: string, task: ReviewTask) => Math.min(...losses(method, task));
const [LORA, PREFIX, ALL] = ['LoRA r=16, α=16', 'prefix K=10', 'LoRA r=8, α=16, all linear'];

describe('the words of notebook 05', () => {
  it('on rates: the prefix wants a larger one, and even there only the lowest rate of LoRA is worse', () => {
    expect(words).toContain("Even there its loss is above LoRA's at every rate but the lowest");
    expect(measured.sweep(PREFIX, 'comment').learningRate).toBeGreaterThan(3 * measured.sweep(LORA, 'comment').learningRate);
    const [lowest, ...others] = losses(LORA, 'comment');
    expect(lowest).toBeGreaterThan(best(PREFIX, 'comment'));
    expect(Math.max(...others)).toBeLessThan(best(PREFIX, 'comment'));
    expect(printed).toContain(`LoRA ${measured.sweep(LORA, 'comment').learningRate}, prefix`);
  });

  it('on the adapter of the other tasks: first for refinement, second by under a thousandth for necessity', () => {
    expect(words).toContain('For necessity it is second by less than a thousandth of a nat');
    const others = measured.results.sweeps.map(({ method }) => method).filter((method) => method !== ALL && method !== 'full fine-tuning');
    const ahead = (task: ReviewTask) => others.filter((method) => best(method, task) < best(ALL, task));
    expect(ahead('refinement')).toEqual([]);
    const second = Math.min(...others.map((method) => best(method, 'refinement')));
    expect(second).toBeGreaterThan(1.1 * best(ALL, 'refinement'));
    const [first = '', ...more] = new Set(ahead('necessity'));
    expect(more).toEqual([]);
    expect(best(ALL, 'necessity') - best(first, 'necessity')).toBeLessThan(0.001);
  });

  it('on necessity: a guess after a dozen updates, and little better for an adapter that was taught with more context', () => {
    expect(words).toContain('Its loss is below that of a guess, but not by much');
    const guess = Math.LN2 / 2;
    const lossOf = (adapter: string) => Number(printed.match(new RegExp(`adapter '${adapter}': ([\\d.]+) nats`))?.[1]);
    expect(Math.abs(lossOf('necessity') - guess)).toBeLessThan(0.05);
    expect(lossOf('experiment')).toBeLessThan(guess);
    expect(lossOf('experiment')).toBeGreaterThan(guess - 0.1);
    const [one, three] = [rowOf('one'), rowOf('three')];
    for (const [column, value] of one.entries()) expect(value).toBeLessThan(three[column] ?? 0); // both beliefs, and what is right
  });

  it("on the adapter's card: three of four of its own test hunks are right", () => {
    const seeds = measured.row('LoRA r=16, α=32', { task: 'necessity', metric: 'accuracy' }).perSeed;
    expect(Math.max(...seeds)).toBeCloseTo(76.25, 1);
  });

  it('on sizes: LoRA has nearly six times the parameters of the prefix', () => {
    expect(words).toContain('nearly six times the parameters');
    const times = measured.parameters(LORA) / measured.parameters(PREFIX);
    expect(times).toBeGreaterThan(5.5);
    expect(times).toBeLessThan(6);
    expect(printed).toContain(`trainable params: ${measured.parameters(LORA).toLocaleString('en')} `);
  });

  it('on tokens: necessity learns two of some hundred, and a comment about a tenth', () => {
    const [read, learned] = rowOf('necessity');
    expect(learned).toBe(2);
    expect(read).toBeGreaterThan(90);
    expect(read).toBeLessThan(130);
    const [readOfComment = 0, learnedOfComment = 0] = rowOf('comment');
    expect(readOfComment / (readOfComment + learnedOfComment)).toBeGreaterThan(0.85);
  });

  it('on copied code: a high BLEU-4, and no exact match', () => {
    expect(rowOf('refinement', 'exact match')[0]).toBe(0);
    expect(rowOf('refinement', 'BLEU-4')[0]).toBeGreaterThan(60);
  });

  it('on "always yes": an F1 of two thirds on balanced data', () => {
    expect(rowOf('necessity', 'F1')[0]).toBeCloseTo(66.7, 1);
    expect(rowOf('necessity', 'accuracy')[0]).toBe(50);
  });

  it("on dead adapters: no gradient in the tutorial's layer, both factors in an attention", () => {
    for (const projection of ['q', 'k', 'v', 'o']) expect(rowOf(projection)).toEqual([0, 2, 2, 2]);
    expect(printed).toMatch(/^0 matrices B of the comment adapter are still zero/m);
  });
});
