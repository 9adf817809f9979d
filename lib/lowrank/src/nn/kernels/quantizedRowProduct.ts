/** Products of a decoder's few rows with a packed weight: the weight is read once, in its stored format. */
import type { tf } from '../../runtime';
import type { PackedWeight } from '../packedWeight';
import type { Kernel } from './kernel';
import { canFuseReads, hasRowProducts, MIN_VALUES, rowProduct } from './rowProduct';

type QuantizedProduct = Kernel<[x: tf.Tensor, weight: PackedWeight]>;

/**
 * Maximum number of rows of the native product. A prompt of 64 tokens takes as long with it as with a weight that XLA unpacks; a prompt of
 * 128 takes a third longer, because XLA's library is faster for many rows.
 */
const MAX_ROWS = 64;

/** `x·Wᵀ` by the native binding, on a CPU. Shapes: x (…, I) → (…, O). */
export const nativeQuantizedProduct: QuantizedProduct = {
  fits: (x, weight) => rowCount(x) <= MAX_ROWS && weight.size >= MIN_VALUES && weight.rowParts !== undefined && hasRowProducts(),
  run: (x, { rowParts, rows, columns, format }) => {
    if (!rowParts) throw new TypeError(`no native product reads ${format}`);
    const product = rowProduct(x.reshape([rowCount(x), lastAxis(x)]), { ...rowParts, inFeatures: columns, outFeatures: rows });
    return product.reshape([...x.shape.slice(0, -1), rows]);
  },
};

/**
 * `x·Wᵀ` for one row on a GPU, as sums over unpacked values: XLA fuses the products of one row with several weights into one kernel, which
 * unpacks as it reads. cuBLAS took a quarter longer for the same bfloat16 weights, and three times the calls (LLaMA-7B shape, H100).
 *
 * Shapes: x (…, I) of one row → (…, O).
 */
export const fusedRowSums: QuantizedProduct = {
  fits: (x, weight) => x.size === weight.columns && lastAxis(x) === weight.columns && weight.size >= MIN_VALUES && canFuseReads(),
  run: (x, weight) => {
    const sums = weight
      .unpack()
      .mul(x.reshape([1, weight.columns]))
      .sum(-1); // (O)
    return sums.reshape([...x.shape.slice(0, -1), weight.rows]);
  },
};

const lastAxis = (x: tf.Tensor) => x.shape[x.rank - 1] ?? 0;
const rowCount = (x: tf.Tensor) => x.size / lastAxis(x);
