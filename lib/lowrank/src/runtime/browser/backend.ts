/** Replaces `../device/backend` where a page computes: TensorFlow's operations by name, made of plain operations of tfjs. */
import type { NativeBinding, NodeBackend, OpAttribute } from '../device/backend';
import { tf } from '../device/tensorflow';
import { UnsupportedError } from '../errors';
import { refusing } from './node/refusing';
import { operations } from './operations';

/** The numbers are TensorFlow's (`tensorflow/c/tf_datatype.h`, `tensorflow/c/c_api.h`); nothing here reads them. */
const binding: NativeBinding = {
  TF_Version: `tfjs ${tf.version_core}`,
  TF_FLOAT: 1,
  TF_INT32: 3,
  TF_UINT8: 4,
  TF_INT64: 9,
  TF_BOOL: 10,
  TF_ATTR_STRING: 0,
  TF_ATTR_INT: 1,
  TF_ATTR_FLOAT: 2,
  TF_ATTR_BOOL: 3,
  TF_ATTR_TYPE: 4,
  TF_ATTR_SHAPE: 5,
  isUsingGpuDevice: () => false,
};

function run(op: string, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const operation = operations[op];
  if (!operation) throw missing(op);
  return tf.tidy(() => operation(inputs));
}

function missing(op: string): UnsupportedError {
  return new UnsupportedError(`TensorFlow's ${op} is not there in a browser; run this in Node`);
}

const backend: NodeBackend & { readonly getInputTensorIds: (tensors: readonly tf.Tensor[]) => number[] } = {
  binding: Object.assign(binding, {
    executeOp: (op: string) => {
      throw missing(op);
    },
    getNumOfTensors: refusing('a cluster of workers'),
  }),
  executeSingleOutput: (op: string, _: OpAttribute[], inputs: tf.Tensor[]) => {
    const [result] = run(op, inputs);
    if (!result) throw missing(op);
    return result;
  },
  executeMultipleOutputs: (op: string, _: OpAttribute[], inputs: tf.Tensor[]) => run(op, inputs),
  getInputTensorIds: () => [], // values go to the device when they are first used
};

/** The replacement of tfjs-node's backend. */
export function nodeBackend(): NodeBackend {
  return backend;
}
