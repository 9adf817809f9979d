import { deviceInfo, tf } from 'lowrank';
import { expect, test } from 'vitest';

test('names the linked TensorFlow, Node and the device', () => {
  const info = deviceInfo();
  expect(info.backend).toBe('tensorflow');
  expect(info.tensorflowVersion).toBe('2.21.0');
  expect(info.nodeVersion).toBe(process.versions.node);
  expect(['CPU', 'GPU']).toContain(info.device);
});

test('the linked TensorFlow computes', () => {
  const sum = tf.tidy(() => tf.tensor1d([1, 2, 3]).sum().arraySync());
  expect(sum).toBe(6);
});
