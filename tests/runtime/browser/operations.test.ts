import { tf, UnsupportedError } from 'lowrank';
import { expect, test } from 'vitest';
import { nodeBackend as browserBackend } from '../../../lib/lowrank/src/runtime/browser/backend';
import { operations } from '../../../lib/lowrank/src/runtime/browser/operations';
import { nodeBackend as nativeBackend } from '../../../lib/lowrank/src/runtime/device/backend';
import { statelessNormal, statelessUniform } from '../../../lib/lowrank/src/runtime/statelessRandom';

const drawn = (operation: string, shape: number[], key: number[]) =>
  operations[operation]?.([tf.tensor1d(shape, 'int32'), tf.tensor1d(key, 'int32')])[0] as tf.Tensor;

const farthest = (a: tf.Tensor, b: tf.Tensor) => a.sub(b).abs().max().dataSync()[0];

test.each([[[0, 0]], [[-5, 7]], [[123456789, -1]]])('a browser draws the random numbers of TensorFlow from the key %j', (key) => {
  const native = tf.tensor1d(key, 'int32');
  expect(farthest(statelessUniform([5, 7], native), drawn('StatelessRandomUniform', [5, 7], key))).toBe(0);
  expect(farthest(statelessNormal([5, 7], native), drawn('StatelessRandomNormal', [5, 7], key))).toBeLessThan(1e-6);
});

test("the cross-entropy made of plain operations is TensorFlow's fused one, loss and gradient", () => {
  const inputs = [tf.randomNormal([6, 11], 0, 20, 'float32', 1), tf.tensor1d([0, 10, 3, 3, 7, 1], 'int32')];
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = nativeBackend().binding;
  const types = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'Tlabels', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  const native = nativeBackend().executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', types, inputs, 2);
  const plain = browserBackend().executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', types, inputs, 2);
  expect(plain.map(({ shape }) => shape)).toEqual([[6], [6, 11]]);
  for (const [index, tensor] of native.entries()) expect(farthest(tensor, plain[index] as tf.Tensor)).toBeLessThan(1e-5);
});

test('an operation that a browser has not is refused by its name', () => {
  expect(() => browserBackend().executeMultipleOutputs('Svd', [], [], 3)).toRefuse(UnsupportedError, 'Svd');
});
