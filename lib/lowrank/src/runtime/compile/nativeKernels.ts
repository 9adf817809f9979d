/** The kernels of this library's part of the native binding; XLA's CPU programs call them by name. */
import type { tf } from '../device/tensorflow';
import { callKernel, type KernelValue } from './graph/stableHlo';
import { backendInternals } from './tfjsInternals';
import { activeTrace } from './tracing/trace';

/** XLA's number of their interface. */
export const TYPED_INTERFACE = 4;

/** Whether they exist: not on a GPU, and not in tfjs's own binding. */
export function hasNativeKernels(): boolean {
  const { binding } = backendInternals();
  return !binding.isUsingGpuDevice() && binding.xlaHasKernels?.() === true;
}

/** With fewer numbers, TensorFlow's own operations end before XLA has been called. */
const MIN_SIZE = 2 ** 16;

/**
 * Whether they can replace operations on this many numbers in the present trace: TensorFlow runs those one by one, and XLA would fuse them
 * itself.
 */
export function canReplaceOperations(size: number): boolean {
  return size >= MIN_SIZE && activeTrace()?.isXla === false && hasNativeKernels();
}

/**
 * The same for operations between bfloat16 products, where TensorFlow's would convert each input and result. In float32 they convert
 * nothing, and are no slower.
 */
export function canReplaceInBfloat16(size: number): boolean {
  return activeTrace()?.precision === 'bfloat16' && canReplaceOperations(size);
}

/** The memory layout of a tensor. */
export type NumberType = KernelValue['type'];

/** Runs a kernel inside a function that XLA compiles; returns a tensor for each of its results. */
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

/** A tensor of the present trace as a kernel reads it: the bfloat16 values if it was cast from them. */
export function asStored(tensor: tf.Tensor): readonly [tensor: tf.Tensor, type: 'float32' | 'bfloat16'] {
  const halves = activeTrace()?.beforeWidening(tensor);
  return halves ? [halves, 'bfloat16'] : [tensor, 'float32'];
}
