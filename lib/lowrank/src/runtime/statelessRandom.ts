/** Random tensors that depend on their key alone: fast, the same on every device, and usable in traced functions. */
import { nodeBackend } from './device/backend';
import { tf } from './device/tensorflow';

/** Uniform numbers in [0, 1) from TensorFlow's counter-based generator. Shapes: key (2) int32 → `shape`. */
export function statelessUniform(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw('StatelessRandomUniform', shape, key);
}

/** Normal numbers with mean 0 and standard deviation 1 from the same generator. Shapes: key (2) int32 → `shape`. */
export function statelessNormal(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  return draw('StatelessRandomNormal', shape, key);
}

function draw(op: string, shape: readonly number[], key: tf.Tensor): tf.Tensor {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const attributes = [
    { name: 'dtype', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'T', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'Tseed', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  return backend.executeSingleOutput(op, attributes, [tf.tensor1d([...shape], 'int32'), key]);
}
