/** Attention over heads already projected, shared by the model's own attention and by adapters that add a second one. */
import { compile, isTracing, ShapeError, tf } from '../runtime';
import { withGradient } from './customGradient';

/** What an attention takes besides queries, keys and values. */
export interface ScaledDotProductOptions {
  /** Added to the scaled scores; broadcastable to (B, H, T, S). Left out, every query sees every key. */
  readonly mask?: tf.Tensor;
  /** Is given the weights (B, H, T, S); it keeps what it wants with `tf.keep`. */
  readonly onWeights?: (weights: tf.Tensor4D) => void;
  /** The most scores that a compiled function holds at a time, unless the weights are asked for. @defaultValue 2²⁴, which take 64 MiB */
  readonly maxScores?: number;
}

/** Enough for 4 rows of 512 tokens and 16 heads. */
const MAX_SCORES = 2 ** 24;

/**
 * `softmax(q·kᵀ/√D + mask)·v` (Vaswani et al. 2017, eq. 1), each key head serving H/K query heads (Ainslie et al. 2023).
 *
 * Keys and values are not copied per query head. One row of keys may serve the whole batch, as a prefix does. Long texts go through in
 * blocks of queries where the function is compiled, whose scores are made anew in the backward pass: all of them are never there.
 *
 * Shapes: q (B, H, T, D); k, v (B or 1, K, S, D) → (B, H, T, D).
 *
 * @throws ShapeError when H is not a multiple of K, or the batches differ.
 */
export function scaledDotProduct(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: ScaledDotProductOptions = {}): tf.Tensor4D {
  const [B, H, T] = q.shape;
  const [rows, K] = k.shape;
  if (H % K !== 0) throw new ShapeError(`${H} query heads cannot share ${K} key heads evenly`);
  if (rows !== B && rows !== 1) throw new ShapeError(`keys of ${rows} rows cannot serve queries of ${B} rows`);
  return tf.tidy(() => {
    const keys = rows === B ? k : tf.tile(k, [B, 1, 1, 1]);
    const values = rows === B ? v : tf.tile(v, [B, 1, 1, 1]);
    const { mask, onWeights, maxScores = MAX_SCORES } = options;
    const block = Math.max(1, Math.floor(maxScores / (B * H * keys.shape[2])));
    if (block >= T || onWeights || !isTracing()) return attend(q, keys, values, options);
    const sizes = [...new Array<number>(Math.floor(T / block)).fill(block), ...(T % block > 0 ? [T % block] : [])];
    const isPerQuery = mask !== undefined && mask.shape[mask.rank - 2] === T;
    const masks = isPerQuery ? tf.split(mask, sizes, mask.rank - 2) : sizes.map(() => mask);
    const blocks = tf.split<tf.Tensor4D>(q, sizes, 2).map((queries, i) => attendBlock(queries, keys, values, { mask: masks[i] }));
    return tf.concat(blocks, 2);
  });
}

/** One block of queries as an operation of its own, which keeps no scores. */
const attendBlock = compile(attend, { name: 'attention_block', recompute: true });

/** Shapes: q (B, H, T, D); k, v (B, K, S, D) → (B, H, T, D). */
function attend(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: Pick<ScaledDotProductOptions, 'mask' | 'onWeights'>): tf.Tensor4D {
  const [B, H, T, D] = q.shape;
  const K = k.shape[1];
  return tf.tidy(() => {
    const grouped: tf.Tensor4D = q.reshape([B, K, (H / K) * T, D]); // heads that share a key head are neighbours
    const weights = attentionWeights(grouped, k, { heads: H, mask: options.mask }); // (B, K, H/K·T, S)
    options.onWeights?.(weights.reshape([B, H, T, -1]));
    return tf.matMul(weights, v).reshape([B, H, T, D]);
  });
}

/** `P = softmax(q·kᵀ/√D + mask)`, holding only q, k and P: `dS = P·(dP − Σ dP·P)/√D`, `dq = dS·k`, `dk = dSᵀ·q`. */
function attentionWeights(q: tf.Tensor4D, k: tf.Tensor4D, { heads, mask }: { heads: number; mask?: tf.Tensor }): tf.Tensor4D {
  const [B, K, rows, D] = q.shape;
  const scale = 1 / Math.sqrt(D);
  const masked = (scores: tf.Tensor) =>
    mask
      ? scores
          .reshape([B, heads, (rows * K) / heads, -1])
          .add(mask)
          .reshape(scores.shape)
      : scores;
  const weights = withGradient(
    [q, k],
    () => {
      const p = tf.softmax(masked(tf.matMul(q.mul(scale), k, false, true))); // (B, K, rows, D) x (B, K, D, S)
      return { value: p, saved: { q, k, p } };
    },
    (dy, saved) => {
      const products = dy.mul(saved.p);
      const dScores = products.sub(saved.p.mul(products.sum(-1, true))).mul(scale);
      return [tf.matMul(dScores, saved.k), tf.matMul(dScores, saved.q, true, false)];
    },
  );
  return weights as tf.Tensor4D;
}
