/** What notebook 11 says in words about the claims, held to the results file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Comparison, type Measure } from 'lowrank-course';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const measured = Comparison.read(path.join(root, 'experiments/results/reviewer-long.json'));

interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
}
const { cells }: { readonly cells: readonly Cell[] } = JSON.parse(readFileSync(path.join(root, 'notebooks/11-takeaways.ipynb'), 'utf8'));
const words = cells.flatMap(({ cell_type, source }) => (cell_type === 'markdown' ? [source.join('')] : [])).join('\n');

const [LORA8, LORA, LORA32, ALL] = ['LoRA r=8, α=16', 'LoRA r=16, α=16', 'LoRA r=16, α=32', 'LoRA r=8, α=16, all linear'];
const between = (measure: Measure) => measured.difference(ALL, LORA, measure);

describe('the words of notebook 11', () => {
  it('on refinements: three settings chose one rate', () => {
    expect(words).toContain('On refinements the three settings chose one and the same rate');
    const rates = [LORA8, LORA, LORA32].map((method) => measured.sweep(method, 'refinement').learningRate);
    expect(new Set(rates).size).toBe(1);
  });

  it('on all linear layers: ahead where text is written, narrowly for comments, and behind in necessity by accuracy', () => {
    expect(words).toContain('though for comments the interval nearly includes zero');
    const { low } = between({ task: 'comment', metric: 'bleu4' });
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThan(1);
    expect(between({ task: 'refinement', metric: 'exactMatch' }).low).toBeGreaterThan(1);
    expect(between({ task: 'necessity', metric: 'accuracy' }).high).toBeLessThan(0);
    expect(measured.difference('full fine-tuning', LORA, { task: 'necessity', metric: 'accuracy' }).high).toBeLessThan(0);
  });

  it('on sizes: all linear layers at rank 8 train 2.6 times what q and v train at rank 16', () => {
    expect(words).toContain('trains 2.6 times as many numbers');
    expect(measured.parameters(ALL) / measured.parameters(LORA)).toBeCloseTo(2.6, 1);
  });

  it("on reviews by people: in refinement LoRA's lead holds, in comments perplexity sees one and BLEU does not", () => {
    expect(words).toContain('In comments BLEU does not see a lead, and perplexity does');
    const people = Comparison.read(path.join(root, 'experiments/results/reviewer-human.json'));
    const lead = (measure: Measure) => people.difference(LORA, 'prefix K=10', measure);
    expect(lead({ task: 'refinement', metric: 'exactMatch' }).low).toBeGreaterThan(0);
    expect(lead({ task: 'comment', metric: 'perplexity' }).high).toBeLessThan(0);
    const bleu = lead({ task: 'comment', metric: 'bleu4' });
    expect([bleu.low < 0, bleu.high > 0]).toEqual([true, true]);
  });
});
