/** Values on their way to the device. */
import { backendInternals } from '../compile/tfjsInternals';
import type { tf } from './tensorflow';

/**
 * Sends the values of tensors to the device now, which otherwise happens when they are first used. A GPU takes in nothing while it is busy:
 * what later calls need is best sent before the first of them.
 */
export function sendToDevice(tensors: readonly tf.Tensor[]): void {
  backendInternals().getInputTensorIds([...tensors]);
}
