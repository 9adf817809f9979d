/** Rounds a weight through another number format. */
import { tf } from '../../runtime';
import { convert } from '../../runtime/compile/graph/numberFormats';
import { packWeight, type QuantizedFormat } from './formats';
import { rowsOf } from './quantizedWeight';

/** A number format that a weight can be rounded to. */
export type WeightDtype = 'float32' | 'bfloat16' | 'float16' | QuantizedFormat;

/**
 * The values of a weight after a round trip through a number format; blocks and scales run along the rows, as in files.
 *
 * Shapes: values (O, I) → (O, I).
 *
 * @throws UnsupportedError when a row is not a whole number of blocks.
 */
export function roundWeight(values: tf.Tensor, dtype: WeightDtype): tf.Tensor {
  return tf.tidy(() => {
    if (dtype === 'float32') return values.clone();
    if (dtype === 'bfloat16' || dtype === 'float16') return convert(convert(values, 'float32', dtype), dtype, 'float32');
    const packed = packWeight(dtype, rowsOf(values));
    const rounded = packed.unpack();
    packed.dispose();
    return rounded;
  });
}
