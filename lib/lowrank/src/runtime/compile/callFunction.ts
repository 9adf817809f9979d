/** Calls of functions that TensorFlow's context knows by name. */
import type { tf } from '../tensorflow';
import type { ContextFunction } from './contextFunction';
import { runOperation, type TensorInfo } from './tfjsInternals';
import { activeTrace } from './trace';

/**
 * Runs a function, or adds the call to the function that is being traced.
 *
 * @throws ShapeError when an input has another shape or type than the function was made for.
 */
export function callFunction(fn: ContextFunction, inputs: readonly TensorInfo[]): tf.Tensor[] {
  fn.check(inputs);
  return activeTrace()?.call(fn, inputs) ?? runOperation(fn.name, [], inputs, fn.outputs.length);
}
