/** The tiny LLaMA of tests/golden/scripts/adapters/makePeft.py, and small helpers on tensors. */
import { readFileSync } from 'node:fs';
import { type LlamaConfigOptions, LlamaForCausalLM, readSafetensors, tf } from 'lowrank';
import type { SafetensorsFile } from '../../lib/lowrank/src/io';
import { goldenFolder, storedTensor } from '../goldenFolder.ts';

/** The token rows, and the labels, of makePeft.py. */
export const IDS = [
  [1, 5, 9, 3, 17, 30, 8],
  [1, 22, 4, 39, 11, 6, 7],
  [1, 12, 13, 14, 15, 16, 33],
];
export const LABELS = IDS.map((row, r) => row.map((id, t) => (r === 0 && t < 3 ? -100 : id)));

/** What PEFT computed. */
export const { path: goldenPath, tensor: golden, names: goldenNames } = goldenFolder('peft');

/** A new copy of the base model. */
export function tinyModel({
  attentionBias = false,
  tieWordEmbeddings = false,
  padTokenId,
}: Pick<LlamaConfigOptions, 'attentionBias' | 'tieWordEmbeddings' | 'padTokenId'> = {}): LlamaForCausalLM {
  const { rope_theta: ropeTheta, ...sizes } = JSON.parse(readFileSync(goldenPath('config.json'), 'utf8'));
  const config = Object.fromEntries(Object.entries(sizes).map(([name, value]) => [camelCase(name), value])) as never;
  const file = readSafetensors(goldenPath(attentionBias ? 'biased.safetensors' : 'base.safetensors'));
  return LlamaForCausalLM.fromTensors({ ...(config as object), ropeTheta, attentionBias, tieWordEmbeddings, padTokenId } as never, (name) =>
    tensor(file, name),
  );
}

/** A stored tensor; kernels, but not the token table, turned to (in, out). */
export function tensor(file: SafetensorsFile, name: string): tf.Tensor | undefined {
  if (!file.has(name)) return undefined;
  const stored = storedTensor(file, name);
  if (stored.rank !== 2 || name.includes('embed_tokens')) return stored;
  const turned = stored.transpose();
  stored.dispose();
  return turned;
}

/** A parameter of ours, or its gradient, in torch's layout. */
export function asTorch(name: string, grad: tf.Tensor): tf.Tensor {
  if (name.endsWith('adaption_prompt')) return grad.expandDims(0);
  const isTable = name.includes('embed_tokens') && !name.includes('lora_');
  const isKernel = grad.rank === 2 && !isTable;
  return isKernel ? grad.transpose() : grad;
}

export function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => a.sub(b).abs().max().dataSync()[0] ?? Number.NaN);
}

/** The largest difference over the largest value of the second. */
export function relativeError(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => largestDifference(a, b) / (b.abs().max().dataSync()[0] ?? Number.NaN));
}

/** Fills variables with normal values, so that no adapter is a no-op. */
export function fill(variables: Iterable<tf.Variable>, seed = 1): void {
  let next = seed;
  for (const variable of variables) tf.tidy(() => variable.assign(tf.randomNormal(variable.shape, 0, 0.5, 'float32', next++)));
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
