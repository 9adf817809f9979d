/** Attention over heads already projected, shared by the model's own attention and by adapters that add a second one. */
import { compile, deviceInfo, isTracing, ShapeError, tf } from '../runtime';
import { checkKnown } from '../runtime/checkKnown';
import { withGradient } from './customGradient';
import { canFuseAttention, fusedCausalAttention } from './fusedAttention';
import { hasNativeSoftmax, nativeSoftmax } from './nativeSoftmax';

/** What a mask hides from each query: the keys after its own, the queries being the last, and nothing else; or others besides. */
export type HiddenKeys = 'later' | 'laterAndOthers';

/** What an attention takes besides queries, keys and values. */
export interface ScaledDotProductOptions {
  /** Added to the scaled scores; broadcastable to (B, H, T, S). Left out, every query sees every key. */
  readonly mask?: tf.Tensor;
  /** Is given the weights (B, H, T, S); it keeps what it wants with `tf.keep`. */
  readonly onWeights?: (weights: tf.Tensor4D) => void;
  /** What the mask hides: a compiled function leaves most of what is known to be hidden out. */
  readonly hides?: HiddenKeys;
  /** The most scores that a compiled function holds at a time, unless the weights are asked for. @defaultValue 2²⁴, on a GPU 2²⁶ */
  readonly maxScores?: number;
}

/** 64 MiB of scores on a CPU, enough for 4 rows of 512 tokens and 16 heads. */
const maxScoresHere = () => 2 ** (deviceInfo().device === 'GPU' ? 26 : 24);

/** In how many blocks of queries a causal attention goes: with n of them, (n + 1) / 2n of its scores are made. */
const CAUSAL_BLOCKS = 4;

/** Below so many queries a block is too small to gain. */
const MIN_CAUSAL_BLOCK = 32;

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
  checkKnown('scaledDotProduct', options, ['mask', 'onWeights', 'hides', 'maxScores']);
  const [B, H, T] = q.shape;
  const [rows, K] = k.shape;
  if (q.rank !== 4 || k.rank !== 4 || q.shape[3] !== k.shape[3] || k.shape.join() !== v.shape.join()) {
    const given = `q [${q.shape}], k [${k.shape}], v [${v.shape}]`;
    throw new ShapeError(`attention takes q (B, H, T, D) and k, v (B or 1, K, S, D) of one width D; got ${given}`);
  }
  if (H % K !== 0) throw new ShapeError(`${H} query heads cannot share ${K} key heads evenly`);
  if (rows !== B && rows !== 1) throw new ShapeError(`keys of ${rows} rows cannot serve queries of ${B} rows`);
  return tf.tidy(() => {
    const keys = rows === B ? k : tf.tile(k, [B, 1, 1, 1]);
    const values = rows === B ? v : tf.tile(v, [B, 1, 1, 1]);
    const { mask, onWeights, hides, maxScores = maxScoresHere() } = options;
    if (hides === 'later' && !onWeights && canFuseAttention(q, keys)) return fusedCausalAttention(q, keys, values);
    const isCausal = hides !== undefined;
    const S = keys.shape[2];
    const fitting = Math.max(1, Math.floor(maxScores / (B * H * S)));
    const block = Math.min(fitting, isCausal ? Math.max(MIN_CAUSAL_BLOCK, Math.ceil(T / CAUSAL_BLOCKS)) : T);
    if (block >= T || onWeights || !isTracing()) return attend(q, keys, values, options);
    const run = fitting < T ? attendBlock : attend;
    const sizes = Array.from({ length: Math.ceil(T / block) }, (_, index) => Math.min(block, T - index * block));
    const blocks = tf.split<tf.Tensor4D>(q, sizes, 2).map((queries, index) => {
      const begin = index * block;
      const end = begin + queries.shape[2];
      const seen = isCausal ? S - T + end : S;
      const part = (x: tf.Tensor4D) => (seen === S ? x : x.slice([0, 0, 0, 0], [-1, -1, seen, -1]));
      return run(queries, part(keys), part(values), { ...(mask && { mask: maskOf(mask, { begin, end, T, seen }) }) });
    });
    return tf.concat(blocks, 2);
  });
}

/** The mask of some of the T queries and of the first keys; an axis of 1 stands for all. */
function maskOf(given: tf.Tensor, { begin, end, T, seen }: { begin: number; end: number; T: number; seen: number }): tf.Tensor {
  const mask = given.rank < 2 ? given.reshape([1, -1]) : given;
  const [queries, keys] = mask.shape.slice(-2) as [number, number];
  const before = mask.shape.slice(0, -2);
  const [from, to] = queries === T ? [begin, end] : [0, queries];
  return mask.slice([...before.map(() => 0), from, 0], [...before, to - from, Math.min(seen, keys)]);
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

/**
 * `P = softmax(q·kᵀ/√D + mask)`, by a kernel where there is one. Otherwise it holds only q, k and P: `dS = P·(dP − Σ dP·P)/√D`,
 * `dq = dS·k`, `dk = dSᵀ·q`.
 */
function attentionWeights(q: tf.Tensor4D, k: tf.Tensor4D, { heads, mask }: { heads: number; mask?: tf.Tensor }): tf.Tensor4D {
  const [B, K, rows, D] = q.shape;
  const S = k.shape[2];
  const scale = 1 / Math.sqrt(D);
  const byHead = [B, heads, (rows * K) / heads, S] as const;
  if (hasNativeSoftmax(byHead, mask?.shape ?? [1, 1, 1, S])) {
    const scores = tf.matMul(q, k, false, true);
    return nativeSoftmax(scores.reshape([...byHead]), mask ?? tf.zeros([1, 1, 1, S]), scale).reshape(scores.shape) as tf.Tensor4D;
  }
  const masked = (scores: tf.Tensor) =>
    mask
      ? scores
          .reshape([...byHead])
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
