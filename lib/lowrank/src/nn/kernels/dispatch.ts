/**
 * The kernels that can replace an operation. The table here is the only place that puts a kernel into use. A kernel enters, and stays, with
 * a measured gain of at least 3 % (tests/bench/results/cpu/kernels.json).
 */
import type { tf } from '../../runtime';
import type { PackedWeight } from '../packedWeight';
import { cudnnAttention } from './cudnnAttention';
import type { Kernel } from './kernel';
import { nativeAttentionWeights } from './nativeAttentionWeights';
import { nativeCrossEntropy } from './nativeCrossEntropy';
import { nativeRotary } from './nativeRotary';
import { nativeRowProduct } from './nativeRowProduct';
import { nativeSwiglu } from './nativeSwiglu';
import { fusedRowSums, nativeQuantizedProduct } from './quantizedRowProduct';

/** The operands of each operation; the layer that computes it has its formula and shapes. */
interface Operands {
  attentionWeights: [q: tf.Tensor4D, k: tf.Tensor4D, options: { readonly heads: number; readonly mask?: tf.Tensor | undefined }];
  causalAttention: [q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D];
  crossEntropy: [logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor];
  matMulRows: [rows: tf.Tensor, weight: tf.Tensor, transposeW: boolean];
  quantizedMatMul: [x: tf.Tensor, weight: PackedWeight];
  rotary: [x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor];
  swiglu: [gate: tf.Tensor, up: tf.Tensor];
}

/** The kernels of each operation; the first that fits is used. */
const KERNELS: { readonly [Operation in keyof Operands]?: readonly Kernel<Operands[Operation]>[] } = {
  attentionWeights: [nativeAttentionWeights],
  causalAttention: [cudnnAttention],
  crossEntropy: [nativeCrossEntropy],
  matMulRows: [nativeRowProduct],
  quantizedMatMul: [fusedRowSums, nativeQuantizedProduct],
  rotary: [nativeRotary],
  swiglu: [nativeSwiglu],
};

/** The operation's result by a kernel; undefined if none fits and the formula must be computed. */
export function byKernel<Operation extends keyof Operands>(operation: Operation, ...operands: Operands[Operation]): tf.Tensor | undefined {
  return KERNELS[operation]?.find((kernel) => kernel.fits(...operands))?.run(...operands);
}
