/** Random numbers that are a function of their key alone. */
import { tf } from '../runtime';
import { nodeBackend } from '../runtime/backend';

/** Numbers in [0, 1), drawn by TensorFlow's counter-based generator. Shapes: key (2) int32 → `shape`. */
export function statelessUniform(shape: readonly number[], key: tf.Tensor): tf.Tensor {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const attributes = [
    { name: 'dtype', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'T', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'Tseed', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  return backend.executeSingleOutput('StatelessRandomUniform', attributes, [tf.tensor1d([...shape], 'int32'), key]);
}
