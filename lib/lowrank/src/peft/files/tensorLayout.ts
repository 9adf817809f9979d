/** Converts a variable's values to the layout of its file, and back. */
import type { TensorToStore } from '../../io';
import { tf } from '../../runtime';
import type { AdapterTensor, TensorLayout } from '../tuner';

/** The shape of such a variable in a file. Only for swapped axes is the inverse the same. */
export function fileShape(shape: readonly number[], layout: TensorLayout): readonly number[] {
  if (layout === 'transposed') return shape.toReversed();
  if (layout === 'column') return [...shape, 1];
  return layout === 'batched' ? [1, ...shape] : shape;
}

/** The variable as 32-bit floats in the file's layout, read when the file is written. */
export function storedTensor({ variable, layout }: AdapterTensor): TensorToStore {
  const bytes = () => {
    const values = variable.dataSync<'float32'>();
    const laidOut = layout === 'transposed' ? transposed(values, variable.shape) : values;
    return new Uint8Array(laidOut.buffer, laidOut.byteOffset, laidOut.byteLength);
  };
  return { dtype: 'F32', shape: fileShape(variable.shape, layout), bytes };
}

/** Assigns values from a file to the variable, which keeps its identity. */
export function assignStored({ variable, layout }: AdapterTensor, values: Float32Array): void {
  const laidOut = layout === 'transposed' ? transposed(values, variable.shape.toReversed()) : values;
  tf.tidy(() => variable.assign(tf.tensor(laidOut, variable.shape)));
}

/** Transposes on the host, because the factors are so small that TensorFlow takes longer. Shapes: (rows, columns) → (columns, rows). */
function transposed(values: Float32Array, [, columns = 0]: readonly number[]): Float32Array {
  const result = new Float32Array(values.length);
  for (let column = 0, to = 0; column < columns; column++) {
    for (let from = column; from < values.length; from += columns) result[to++] = values[from] as number;
  }
  return result;
}
