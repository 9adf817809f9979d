/** The kernels of this library's part of the native binding, which XLA's programs for the CPU call by name. */
import type { tf } from '../device/tensorflow';
import { callKernel, type KernelValue } from './graph/stableHlo';
import { backendInternals } from './tfjsInternals';
import { activeTrace } from './tracing/trace';

/** XLA's number of the interface that they have. */
export const TYPED_INTERFACE = 4;

/** Whether there are any: not on a GPU, and not in a binding from before there were any. */
export function hasNativeKernels(): boolean {
  const { binding } = backendInternals();
  return !binding.isUsingGpuDevice() && binding.xlaHasKernels?.() === true;
}

/** With fewer numbers TensorFlow's own operations are done before XLA has been called. */
const MIN_SIZE = 2 ** 16;

/**
 * Whether they can take the place of operations on so many numbers in the present trace: TensorFlow runs those one by one, where XLA would
 * join them itself.
 */
export function canReplaceOperations(size: number): boolean {
  return size >= MIN_SIZE && activeTrace()?.isXla === false && hasNativeKernels();
}

/**
 * The same for what stands between products in bfloat16, where TensorFlow's operations would convert each of their inputs and results. In
 * float32 they have nothing to convert, and are no slower.
 */
export function canReplaceInBfloat16(size: number): boolean {
  return activeTrace()?.precision === 'bfloat16' && canReplaceOperations(size);
}

/** How numbers lie in memory. */
export type NumberType = KernelValue['type'];

/** Runs a kernel inside a function that XLA compiles, and gives a tensor for each of its results. */
export function callNative<const Results extends readonly KernelValue[]>(
  target: string,
  operands: readonly (readonly [tensor: tf.Tensor, type: NumberType])[],
  results: Results,
  attributes: Readonly<Record<string, number>> = {},
): { [Index in keyof Results]: tf.Tensor } {
  const config = Object.entries(attributes).map(([name, value]) => `${name} = ${value.toExponential(8)} : f32`);
  const tensors = callKernel(
    { target, apiVersion: TYPED_INTERFACE, config: `{${config.join(', ')}}` },
    operands.map(([tensor, type]) => ({ tensor, value: { type, shape: tensor.shape } })),
    results,
  );
  return tensors as { [Index in keyof Results]: tf.Tensor }; // one for each of `results`
}

/** A tensor of the present trace as a kernel reads it: what was made from bfloat16 as that, which goes by the name of float32. */
export function asStored(tensor: tf.Tensor): readonly [tensor: tf.Tensor, type: 'float32' | 'bfloat16'] {
  const halves = activeTrace()?.beforeWidening(tensor);
  return halves ? [halves, 'bfloat16'] : [tensor, 'float32'];
}
