/** Copies values to the device. */
import { backendInternals } from '../compile/tfjsInternals';
import type { tf } from './tensorflow';

/**
 * Copies the values of tensors to the device now, and not at their first use. A busy GPU accepts no copies, so copy what later calls need
 * before the first of them.
 */
export function sendToDevice(tensors: readonly tf.Tensor[]): void {
  backendInternals().getInputTensorIds([...tensors]);
}
