/** The formula of attention; query heads are grouped by their key head. */
import { tf } from '../../runtime';
import { withGradient } from '../customGradient';
import { byKernel } from '../kernels/dispatch';

/** The options of {@link attend}; as in `ScaledDotProductOptions`. */
interface AttendOptions {
  readonly mask?: tf.Tensor | undefined;
  readonly onWeights?: ((weights: tf.Tensor4D) => void) | undefined;
}

/** `softmax(q·kᵀ/√D + mask)·v`. Shapes: q (B, H, T, D); k, v (B, K, S, D) → (B, H, T, D). */
export function attend(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, { mask, onWeights }: AttendOptions): tf.Tensor4D {
  const [B, H, T, D] = q.shape;
  const K = k.shape[1];
  return tf.tidy(() => {
    const grouped: tf.Tensor4D = q.reshape([B, K, (H / K) * T, D]); // heads that share a key head are neighbours
    const options = { heads: H, mask };
    const weights = (byKernel('attentionWeights', grouped, k, options) ?? attentionWeights(grouped, k, options)) as tf.Tensor4D;
    onWeights?.(weights.reshape([B, H, T, -1]));
    return tf.matMul(weights, v).reshape([B, H, T, D]); // (B, K, H/K·T, S) x (B, K, S, D)
  });
}

/** `P = softmax(q·kᵀ/√D + mask)`; only q, k and P are saved: `dS = P·(dP − Σ dP·P)/√D`, `dq = dS·k`, `dk = dSᵀ·q`. */
function attentionWeights(q: tf.Tensor4D, k: tf.Tensor4D, { heads, mask }: { heads: number; mask?: tf.Tensor | undefined }): tf.Tensor {
  const [B, K, rows, D] = q.shape;
  const scale = 1 / Math.sqrt(D);
  const masked = (scores: tf.Tensor) => {
    const byHead = scores.reshape([B, heads, (rows * K) / heads, -1]);
    return mask ? byHead.add(plain(mask)).reshape(scores.shape) : scores;
  };
  return withGradient(
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
}

/** Without leading axes of length 1: TensorFlow puts a (1, 1, T, S) mask into the product, for which oneDNN has only its reference loop. */
function plain(mask: tf.Tensor): tf.Tensor {
  return mask.rank > 2 && mask.shape.slice(0, -2).every((size) => size === 1) ? mask.reshape(mask.shape.slice(-2)) : mask;
}
