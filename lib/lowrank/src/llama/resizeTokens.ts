/** Adds or removes token vectors. */
import { Embedding, Linear, TiedHead } from '../nn';
import { deriveSeed, tf, UnsupportedError } from '../runtime';
import { statelessNormal } from '../runtime/statelessRandom';
import type { LlamaParts } from './buildModel';

/** transformers' factor for the covariance of new rows, which are therefore almost the mean. */
const SPREAD = 1e-9;

/**
 * The embedding and output layer for `size` tokens, old rows first. New rows are drawn from N(μ, 10⁻⁹·Σ) of the old rows, as in
 * transformers (Hewitt 2021, "Initializing new word embeddings for pretrained language models").
 *
 * A draw is `μ + √(10⁻⁹/V)·zᵀ·(E − μ)` with z from N(0, 1), which has that covariance and needs no factorization.
 *
 * @throws UnsupportedError when a table is packed, or an adapter wraps it. Nothing is changed then.
 */
export function resizedEnds(
  { embedTokens, lmHead }: { readonly embedTokens: unknown; readonly lmHead: unknown },
  size: number,
  seed: number,
): { readonly embedTokens: Embedding; readonly lmHead: LlamaParts['lmHead'] } {
  if (!(embedTokens instanceof Embedding) || !(lmHead instanceof Linear || lmHead instanceof TiedHead)) {
    const fix = "load the model with dtype 'float32', and resize it before adapters are put on it";
    throw new UnsupportedError(`the token table or the output layer is kept packed, or an adapter is on it, and cannot be resized: ${fix}`);
  }
  const { paddingIdx, weight: before } = embedTokens;
  const values = tf.tidy(() => tf.variable(resized(before, size, deriveSeed(seed, 0)), before.trainable));
  const table = new Embedding(values, paddingIdx !== undefined && paddingIdx < size ? paddingIdx : undefined);
  if (lmHead instanceof TiedHead) {
    lmHead.dispose();
    embedTokens.dispose();
    return { embedTokens: table, lmHead: new TiedHead(table) };
  }
  const rows = () => resized(lmHead.weight.transpose(), size, deriveSeed(seed, 1));
  const weight = tf.tidy(() => tf.variable(rows().transpose(), lmHead.weight.trainable));
  embedTokens.dispose();
  lmHead.weight.dispose();
  return { embedTokens: table, lmHead: new Linear(weight, lmHead.bias) };
}

/** Shapes: table (V, C) → (size, C). */
function resized(table: tf.Tensor, size: number, seed: number): tf.Tensor {
  const [V = 0, C = 0] = table.shape;
  if (size <= V) return table.slice([0, 0], [size, C]);
  const mean = table.mean(0);
  const drawn = statelessNormal([size - V, V], tf.tensor1d([seed | 0, 0], 'int32')); // (new, V)
  const added = tf
    .matMul(drawn as tf.Tensor2D, table.sub(mean) as tf.Tensor2D)
    .mul(Math.sqrt(SPREAD / V))
    .add(mean);
  return tf.concat([table, added]);
}
