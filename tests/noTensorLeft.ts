import { tf } from 'lowrank';
import { afterEach, beforeEach, expect } from 'vitest';

/** Has every test of a file leave as many tensors behind as it found; to be called before other hooks are set. */
export function noTensorLeft(): void {
  let before: number;
  beforeEach(() => {
    before = tf.memory().numTensors;
  });
  afterEach(() => expect(tf.memory().numTensors).toBe(before));
}
