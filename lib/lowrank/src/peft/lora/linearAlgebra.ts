/** Matrix decompositions of TensorFlow that tfjs lacks. */
import type { tf } from '../../runtime';
import { nodeBackend, type OpAttribute } from '../../runtime/device/backend';

/** `x = U·diag(s)·Vᵀ`, singular values falling. Shapes: x (m, n), k = min(m, n) → s (k), U (m, k), V (n, k). */
export function singularValues(x: tf.Tensor): { readonly s: tf.Tensor1D; readonly u: tf.Tensor2D; readonly v: tf.Tensor2D } {
  const [s, u, v] = decompose('Svd', x, ['compute_uv', true], ['full_matrices', false]) as [tf.Tensor1D, tf.Tensor2D, tf.Tensor2D];
  return { s, u, v };
}

/** `x = Q·R` with orthonormal columns in Q. Shapes: x (m, n), k = min(m, n) → Q (m, k), R (k, n). */
export function orthonormal(x: tf.Tensor): { readonly q: tf.Tensor2D; readonly right: tf.Tensor2D } {
  const [q, right] = decompose('Qr', x, ['full_matrices', false]) as [tf.Tensor2D, tf.Tensor2D];
  return { q, right };
}

function decompose(op: 'Svd' | 'Qr', x: tf.Tensor, ...flags: readonly [string, boolean][]): tf.Tensor[] {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = backend.binding;
  const attributes: OpAttribute[] = flags.map(([name, value]) => ({ name, type: TF_ATTR_BOOL, value }));
  return backend.executeMultipleOutputs(op, [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }, ...attributes], [x], op === 'Svd' ? 3 : 2);
}
