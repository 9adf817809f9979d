/** The factors of an update, and their best approximations of lower rank. */
import { tf } from '../../../runtime';
import { orthonormal, singularValues } from '../linearAlgebra';

/** A and B of one layer. Shapes: (I, r), (r, O). */
export type Factors = { readonly loraA: tf.Tensor2D; readonly loraB: tf.Tensor2D };

/** The best factors of rank r. Shapes: (I, O) → (I, k), (k, O), k = min(r, I, O). */
export function truncated(delta: tf.Tensor, r: number): Factors {
  const { s, u, v } = singularValues(delta);
  const k = Math.min(r, s.size);
  const right: tf.Tensor2D = v.slice([0, 0], [-1, k]).mul(s.slice(0, k));
  return { loraA: u.slice([0, 0], [-1, k]), loraB: right.transpose() };
}

/** As {@link truncated} of the product A·B, through its core of rank's size: `A·B = Q_A·(R_A·R_Bᵀ)·Q_Bᵀ`. */
export function truncatedProduct({ loraA, loraB }: Factors, r: number): Factors {
  const left = orthonormal(loraA);
  const right = orthonormal(loraB.transpose());
  const core = truncated(tf.matMul(left.right, right.right, false, true), r);
  return { loraA: tf.matMul(left.q, core.loraA), loraB: tf.matMul(core.loraB, right.q, false, true) };
}

/** Pads with zeros to rank r, which does not change the product. */
export function padded({ loraA, loraB }: Factors, r: number): Factors {
  const missing = r - loraA.shape[1];
  return missing === 0
    ? { loraA, loraB }
    : {
        loraA: tf.pad2d(loraA, [
          [0, 0],
          [0, missing],
        ]),
        loraB: tf.pad2d(loraB, [
          [0, missing],
          [0, 0],
        ]),
      };
}
