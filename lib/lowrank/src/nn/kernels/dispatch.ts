/**
 * The kernels that can take an operation's place. A kernel is in use by its line in the table here, and nowhere else; it enters, and stays,
 * with a measured gain of 3 % or more (tests/bench/results/cpu-kernels.json).
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

/** What each operation takes; its formula and shapes stand in the layer that computes it. */
interface Operands {
  attentionWeights: [q: tf.Tensor4D, k: tf.Tensor4D, options: { readonly heads: number; readonly mask?: tf.Tensor | undefined }];
  causalAttention: [q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D];
  crossEntropy: [logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor];
  matMulRows: [rows: tf.Tensor, weight: tf.Tensor, transposeW: boolean];
  quantizedMatMul: [x: tf.Tensor, weight: PackedWeight];
  rotary: [x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor];
  swiglu: [gate: tf.Tensor, up: tf.Tensor];
}

/** From an operation to its kernels; the first that fits is used. */
const KERNELS: { readonly [Operation in keyof Operands]?: readonly Kernel<Operands[Operation]>[] } = {
  attentionWeights: [nativeAttentionWeights],
  causalAttention: [cudnnAttention],
  crossEntropy: [nativeCrossEntropy],
  matMulRows: [nativeRowProduct],
  quantizedMatMul: [fusedRowSums, nativeQuantizedProduct],
  rotary: [nativeRotary],
  swiglu: [nativeSwiglu],
};

/** The operation's result by a kernel, or undefined where none fits: then its formula is to be computed. */
export function byKernel<Operation extends keyof Operands>(operation: Operation, ...operands: Operands[Operation]): tf.Tensor | undefined {
  return KERNELS[operation]?.find((kernel) => kernel.fits(...operands))?.run(...operands);
}
