/** A variable's values as its file lays them out, and back. */
import type { TensorToStore } from '../../io';
import { tf } from '../../runtime';
import type { AdapterTensor, TensorLayout } from '../tuner';

/** The shape that a variable of this shape has in a file; the way back is the same for swapped axes only. */
export function fileShape(shape: readonly number[], layout: TensorLayout): readonly number[] {
  if (layout === 'transposed') return shape.toReversed();
  return layout === 'batched' ? [1, ...shape] : shape;
}

/** The variable as 32-bit floats in the file's layout, read when the file is written. */
export function storedTensor({ variable, layout }: AdapterTensor): TensorToStore {
  const bytes = () => {
    const laidOut = tf.tidy(() => (layout === 'transposed' ? variable.transpose() : variable.clone()));
    const values = laidOut.dataSync<'float32'>(); // outside of tidy, which looks for tensors in every element
    laidOut.dispose();
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  };
  return { dtype: 'F32', shape: fileShape(variable.shape, layout), bytes };
}

/** Puts a file's values into the variable, which stays the same one. */
export function assignStored({ variable, layout }: AdapterTensor, values: Float32Array): void {
  tf.tidy(() => {
    if (layout !== 'transposed') variable.assign(tf.tensor(values, variable.shape));
    else variable.assign(tf.tensor(values, variable.shape.toReversed()).transpose());
  });
}
