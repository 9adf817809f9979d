/** RMSNorm of many rows on a CPU, by this library's part of the native binding. */
import { compile, type tf } from '../runtime';
import { asStored, callNative, canReplaceBetweenHalfProducts, type NumberType } from '../runtime/compile/nativeKernels';
import { widened } from '../runtime/compile/numberFormats';
import { tracedPrecision } from '../runtime/compile/trace';
import { withGradient } from './customGradient';

/** Whether there is one for the present trace. Shapes: x (…, C), weight (C). */
export function hasNativeRmsNorm(x: tf.Tensor, weight: tf.Tensor): boolean {
  const fits = x.dtype === 'float32' && x.shape.at(-1) === weight.size;
  return fits && canReplaceBetweenHalfProducts(x.size);
}

/**
 * `x·s·g` with `s = 1 / √(mean(x²) + ε)`, for use where {@link hasNativeRmsNorm} says so. Its gradient is
 * `dx = s·(dy·g − x·s²·mean(dy·g·x))`. It computes in float32; where products take bfloat16 it gives that, which
 * whatever else takes its result then sees as well. Its gradient stays float32, for the sum with others.
 *
 * Shapes: x (…, C), weight g (C) → (…, C).
 */
export function nativeRmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  const [rows, type] = asStored(rowsOf(x, weight));
  const taken = tracedPrecision() ?? 'float32';
  return withGradient(
    [x, weight],
    () => {
      const { y, scales } = forwardKernel({ rows, weight }, { type, taken, eps });
      return { value: widened(y, taken).reshape(x.shape), saved: { rows, weight, scales } };
    },
    (dy, saved) => {
      const [slopes, slopeType] = asStored(rowsOf(dy, weight));
      const dx = backwardKernel({ ...saved, slopes }, { type, slopeType });
      const dWeight = rowsOf(dy, weight).mul(widened(saved.rows, type)).mul(saved.scales.expandDims(1)).sum(0);
      return [dx.reshape(dy.shape), dWeight];
    },
  );
}

/** Shapes: (…, C) → (rows, C). */
function rowsOf(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  return x.reshape([-1, weight.size]);
}

type Given = { readonly rows: tf.Tensor; readonly weight: tf.Tensor };

const forwardKernel = compile(
  ({ rows, weight }: Given, { type, taken, eps }: { readonly type: NumberType; readonly taken: NumberType; readonly eps: number }) => {
    const results = [
      { type: taken, shape: rows.shape },
      { type: 'float32', shape: rows.shape.slice(0, 1) },
    ] as const;
    const [y, scales] = callNative('lowrank_rms_norm', operandsOf({ rows, weight }, type), results, { eps });
    return { y, scales };
  },
  { name: 'rms_norm', xla: true },
);

const backwardKernel = compile(
  (
    { slopes, scales, ...given }: Given & { readonly slopes: tf.Tensor; readonly scales: tf.Tensor },
    { type, slopeType }: { readonly type: NumberType; readonly slopeType: NumberType },
  ) => {
    const operands = [[slopes, slopeType] as const, ...operandsOf(given, type), [scales, 'float32'] as const];
    const [dx] = callNative('lowrank_rms_norm_slopes', operands, [{ type: 'float32', shape: given.rows.shape }]);
    return dx;
  },
  { name: 'rms_norm_slopes', xla: true },
);

function operandsOf({ rows, weight }: Given, type: NumberType): (readonly [tf.Tensor, NumberType])[] {
  return [
    [rows, type],
    [weight, 'float32'],
  ];
}
