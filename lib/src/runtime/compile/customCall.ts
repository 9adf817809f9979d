/** Kernels that XLA calls by name. */
import type { tf } from '../tensorflow';
import { backendInternals, runOperation } from './internals';

/** TensorFlow's numbers of its types (`tensorflow/core/framework/types.proto`). */
const TYPES = { float32: 1, uint8: 4, bfloat16: 14 } as const;

/** What a kernel gives; a tensor of a type that tfjs has no name for is for other raw operations only. */
export interface CustomResult {
  readonly type: keyof typeof TYPES;
  readonly shape: readonly number[];
}

/**
 * Runs a kernel that XLA knows as a custom call, inside a function that XLA compiles.
 *
 * @param config what the kernel is told besides its operands
 */
export function customCall(target: string, config: object, operands: readonly tf.Tensor[], results: readonly CustomResult[]): tf.Tensor[] {
  const { binding, tensorMap } = backendInternals();
  const typesOf = operands.map(({ dataId }) => tensorMap.get(dataId)?.dtype);
  const attributes = [
    { name: 'call_target_name', type: binding.TF_ATTR_STRING, value: target },
    { name: 'backend_config', type: binding.TF_ATTR_STRING, value: JSON.stringify(config) },
    { name: 'has_side_effect', type: binding.TF_ATTR_BOOL, value: false },
    { name: 'operand_dtypes', type: binding.TF_ATTR_TYPE, value: typesOf },
    { name: 'result_dtypes', type: binding.TF_ATTR_TYPE, value: results.map(({ type }) => TYPES[type]) },
    { name: 'result_shapes', type: binding.TF_ATTR_SHAPE, value: results.map(({ shape }) => shape) },
  ];
  return runOperation('XlaCustomCallV2', attributes, operands, results.length);
}
