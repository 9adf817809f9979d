/** Calls functions of TensorFlow's context by name. */
import type { tf } from '../../device/tensorflow';
import { runOperation, type TensorInfo } from '../tfjsInternals';
import { activeTrace } from '../tracing/trace';
import type { ContextFunction } from './contextFunction';

/**
 * Runs a function, or adds the call to the running trace.
 *
 * @throws ShapeError when an input has another shape or type than the function expects.
 */
export function callFunction(fn: ContextFunction, inputs: readonly TensorInfo[]): tf.Tensor[] {
  fn.check(inputs);
  return activeTrace()?.call(fn, inputs) ?? runOperation(fn.name, [], inputs, fn.outputs.length);
}
