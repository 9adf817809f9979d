/** Attention over projected heads, used by the model's own attention and by adapters that add a second one. */
import { ArgumentError, isTracing, ShapeError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { byKernel } from '../kernels/dispatch';
import { attend } from './attend';
import { checkAttentionMemory } from './checkAttentionMemory';
import { attendInBlocks, maxScoresHere, planBlocks } from './queryBlocks';

/**
 * `'later'`: the mask is purely causal. `'laterAndOthers'`: it also hides others, such as padding. The queries are the last T of S
 * positions.
 */
export type HiddenKeys = 'later' | 'laterAndOthers';

/** The options of an attention. */
export interface ScaledDotProductOptions {
  /** Added to the scaled scores; broadcastable to (B, H, T, S). Without it, every query sees every key. */
  readonly mask?: tf.Tensor;
  /** Receives the weights, (B, H, T, S), and keeps what it needs with `tf.keep`. */
  readonly onWeights?: (weights: tf.Tensor4D) => void;
  /** What the mask hides: a compiled function skips most scores that are known to be hidden. */
  readonly hides?: HiddenKeys;
  /** Maximum number of scores in memory at a time in a compiled function without `onWeights`. @defaultValue 2²⁴, on a GPU 2²⁶ */
  readonly maxScores?: number;
}

/**
 * `softmax(q·kᵀ/√D + mask)·v` (Vaswani et al. 2017, eq. 1); each key head serves H/K query heads (Ainslie et al. 2023).
 *
 * Keys and values are not copied per query head. One row of keys, such as a prefix, may serve the whole batch. A compiled function
 * processes long texts in blocks of queries, and recomputes their scores in the backward pass: the scores are never all in memory.
 *
 * Shapes: q (B, H, T, D); k, v (B or 1, K, S, D) → (B, H, T, D).
 *
 * @throws ShapeError when H is not a multiple of K, the batches differ, or the mask does not fit; ArgumentError for a mask of true and
 * false; MemoryError when the scores do not fit.
 */
export function scaledDotProduct(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: ScaledDotProductOptions = {}): tf.Tensor4D {
  checkKnown('scaledDotProduct', options, ['mask', 'onWeights', 'hides', 'maxScores']);
  const [B, H, T] = q.shape;
  const [rows, K] = k.shape;
  if (q.rank !== 4 || k.rank !== 4 || q.shape[3] !== k.shape[3] || k.shape.join() !== v.shape.join()) {
    const given = `q [${q.shape}], k [${k.shape}], v [${v.shape}]`;
    throw new ShapeError(`attention takes q (B, H, T, D) and k, v (B or 1, K, S, D) of one width D; got ${given}`);
  }
  if (H % K !== 0) throw new ShapeError(`${H} query heads cannot share ${K} key heads evenly`);
  if (rows !== B && rows !== 1) throw new ShapeError(`keys of ${rows} rows cannot serve queries of ${B} rows`);
  const [, , S] = k.shape;
  if (options.mask) checkMask(options.mask, [B, H, T, S]);
  checkAttentionMemory(`an attention of ${B} × ${H} heads over ${T} × ${S} positions`, 'attention scores', B * H * T * S);
  return tf.tidy(() => {
    const keys = rows === B ? k : tf.tile(k, [B, 1, 1, 1]);
    const values = rows === B ? v : tf.tile(v, [B, 1, 1, 1]);
    const { mask, onWeights, hides, maxScores = maxScoresHere() } = options;
    const fused = hides === 'later' && !onWeights && byKernel('causalAttention', q, keys, values);
    if (fused) return fused as tf.Tensor4D;
    const plan = planBlocks([B, H, T, S], { isCausal: hides !== undefined, maxScores });
    if (plan.blocks.length < 2 || onWeights || !isTracing()) return attend(q, keys, values, { mask, onWeights });
    return attendInBlocks(q, keys, values, { mask, plan });
  });
}

function checkMask(mask: tf.Tensor, scores: readonly number[]): void {
  if (mask.dtype === 'bool')
    throw new ArgumentError('a mask is added to the scores: give 0 where a key is seen and -1e9 where it is not, and not true and false');
  const fits = mask.rank <= 4 && mask.shape.every((size, axis) => size === 1 || size === scores[axis + 4 - mask.rank]);
  if (!fits) throw new ShapeError(`a mask of shape [${mask.shape}] does not fit scores (B, H, T, S) of shape [${scores}]`);
}
