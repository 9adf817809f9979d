/** Attention of a compiled function in blocks of queries: the scores of a long text are never all in memory. */
import { compile, deviceInfo, tf } from '../../runtime';
import { attend } from './attend';

/** 64 MiB of scores on a CPU, enough for 4 rows of 512 tokens and 16 heads. */
export const maxScoresHere = () => 2 ** (deviceInfo().device === 'GPU' ? 26 : 24);

/** The number of query blocks of a causal attention: n blocks compute (n + 1) / 2n of the scores. */
const CAUSAL_BLOCKS = 4;

/** A block with fewer queries gains nothing. */
const MIN_CAUSAL_BLOCK = 32;

/** A range of queries, and the number of keys that they see at most. */
interface QueryBlock {
  readonly begin: number;
  readonly end: number;
  readonly seen: number;
}

/** The blocks of T queries. */
interface BlockPlan {
  readonly blocks: readonly QueryBlock[];
  /** Whether the scores of all queries exceed the limit; the backward pass then recomputes them block by block. */
  readonly recompute: boolean;
}

/** Plans the blocks for scores (B, H, T, S); a causal attention skips the keys after a block's last query. */
export function planBlocks(
  [B, H, T, S]: readonly [number, number, number, number],
  { isCausal, maxScores }: { readonly isCausal: boolean; readonly maxScores: number },
): BlockPlan {
  const fitting = Math.max(1, Math.floor(maxScores / (B * H * S)));
  const size = Math.min(fitting, isCausal ? Math.max(MIN_CAUSAL_BLOCK, Math.ceil(T / CAUSAL_BLOCKS)) : T);
  const blocks = Array.from({ length: Math.ceil(T / size) }, (_, index) => {
    const begin = index * size;
    const end = Math.min(T, begin + size);
    return { begin, end, seen: isCausal ? S - T + end : S };
  });
  return { blocks, recompute: fitting < T };
}

/** {@link attend}, block by block. Shapes: q (B, H, T, D); k, v (B, K, S, D) → (B, H, T, D). */
export function attendInBlocks(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  { mask, plan: { blocks, recompute } }: { readonly mask?: tf.Tensor | undefined; readonly plan: BlockPlan },
): tf.Tensor4D {
  const [T, S] = [q.shape[2], k.shape[2]];
  const run = recompute ? attendRecomputed : attend;
  const sizes = blocks.map(({ begin, end }) => end - begin);
  const parts = tf.split<tf.Tensor4D>(q, sizes, 2).map((queries, index) => {
    const { begin = 0, end = T, seen = S } = blocks[index] ?? {};
    const part = (x: tf.Tensor4D) => (seen === S ? x : x.slice([0, 0, 0, 0], [-1, -1, seen, -1]));
    return run(queries, part(k), part(v), { ...(mask && { mask: maskOf(mask, { begin, end, T, seen }) }) });
  });
  return tf.concat(parts, 2);
}

/** The part of the mask for a range of queries and the first keys; an axis of length 1 serves all. */
function maskOf(given: tf.Tensor, { begin, end, T, seen }: { begin: number; end: number; T: number; seen: number }): tf.Tensor {
  const mask = given.rank < 2 ? given.reshape([1, -1]) : given;
  const [queries, keys] = mask.shape.slice(-2) as [number, number];
  const before = mask.shape.slice(0, -2);
  const [from, to] = queries === T ? [begin, end] : [0, queries];
  return mask.slice([...before.map(() => 0), from, 0], [...before, to - from, Math.min(seen, keys)]);
}

/** One block as an operation of its own, which saves no scores for the backward pass. */
const attendRecomputed = compile(attend, { name: 'attention_block', recompute: true });
