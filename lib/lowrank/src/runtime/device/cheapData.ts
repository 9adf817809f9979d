/** Reads tensors for checks that should cost nothing. */
import { isTracing } from '../compile/tracing/trace';
import { deviceInfo } from './deviceInfo';
import type { tf } from './tensorflow';

/** The values of a tensor; none in a trace, which has no values, or on a GPU, where reading them would end its lead over the host. */
export function cheapData(tensor: tf.Tensor): number[] {
  return isTracing() || deviceInfo().device === 'GPU' ? [] : Array.from(tensor.dataSync());
}
