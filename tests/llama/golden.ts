/** The tiny models of tests/golden/scripts/models/makeLlama.py and what transformers computed with them. */
import { readFileSync } from 'node:fs';
import { LlamaForCausalLM, tf } from 'lowrank';
import { expect } from 'vitest';
import { goldenFolder } from '../goldenFolder.ts';

/** One per feature: see makeLlama.py. */
export const VARIANTS = ['plain', 'tied', 'biased', 'linear', 'llama3'] as const;
export type Variant = (typeof VARIANTS)[number];

/** What transformers computed. */
export const { path: goldenPath, tensor: golden, names: goldenNames } = goldenFolder('llama');

interface Rows {
  readonly ids: number[][];
  readonly labels: number[][];
  /** The ids with their first ones replaced by padding, and the mask that says so. */
  readonly padded: number[][];
  readonly mask: number[][];
  readonly prompts: number[][];
  readonly generated: Record<Variant, number[][]>;
}
export const rows: Rows = JSON.parse(readFileSync(goldenPath('rows.json'), 'utf8'));

/** A new copy of a variant. */
export async function tinyModel(variant: Variant): Promise<LlamaForCausalLM> {
  return LlamaForCausalLM.fromPretrained(goldenPath(variant));
}

/** The largest difference over the largest value of the second, or over `floor` where that is larger; NaN where anything is. */
export function relativeError(actual: tf.Tensor, expected: tf.Tensor, floor = Number.MIN_VALUE): number {
  return tf.tidy(() => {
    const difference = actual.sub(expected).abs().max().dataSync()[0] ?? Number.NaN;
    return difference / Math.max(expected.abs().max().dataSync()[0] ?? Number.NaN, floor);
  });
}

/** Asserts that the first tensor is the second, up to a relative error, and frees what `compute` made. */
export function expectClose(compute: () => readonly [actual: tf.Tensor, expected: tf.Tensor], tolerance = 1e-5, what?: string): void {
  tf.tidy(() => {
    const [actual, expected] = compute();
    expect(actual.shape, what).toEqual(expected.shape);
    expect(relativeError(actual, expected), what).toBeLessThanOrEqual(tolerance);
  });
}

/** Runs `use` and tells by how many tensors there are more afterwards. */
export async function leaked(use: () => unknown): Promise<number> {
  const before = tf.memory().numTensors;
  await use();
  return tf.memory().numTensors - before;
}
