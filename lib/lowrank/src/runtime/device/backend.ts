/** The part of tfjs-node's backend that this library uses beyond the public API: operations by name, on handles. */
import { tf } from './tensorflow';

/** One attribute of a TensorFlow op, typed by one of the binding's `TF_ATTR_*` numbers. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The exports of the native binding that this library calls. */
export interface NativeBinding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_BOOL: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  isUsingGpuDevice(): boolean;
}

/** tfjs-node's backend, as far as this library uses it. */
export interface NodeBackend {
  readonly binding: NativeBinding;
  executeSingleOutput(op: string, attributes: OpAttribute[], inputs: tf.Tensor[]): tf.Tensor;
  executeMultipleOutputs(op: string, attributes: OpAttribute[], inputs: tf.Tensor[], outputs: number): tf.Tensor[];
}

/** The backend that runs everything here. */
export function nodeBackend(): NodeBackend {
  return tf.backend() as unknown as NodeBackend;
}
