/** RMSNorm of many rows on a CPU, by the native binding. */
import { compile, type tf } from '../../runtime';
import { asStored, callNative, canReplaceInBfloat16, type NumberType } from '../../runtime/compile/nativeKernels';
import { widened } from '../../runtime/compile/numberFormats';
import { tracedPrecision } from '../../runtime/compile/trace';
import { withGradient } from '../customGradient';
import type { Kernel } from './kernel';

/**
 * `x·s·g` with `s = 1 / √(mean(x²) + ε)`, computed in float32; its gradient is `dx = s·(dy·g − x·s²·mean(dy·g·x))`. In a bfloat16 program
 * the result is rounded to bfloat16 for all that use it; the gradient stays float32, for the sum with others.
 *
 * Shapes: x (…, C), weight g (C) → (…, C).
 */
export const nativeRmsNorm: Kernel<[x: tf.Tensor, weight: tf.Tensor, eps: number]> = {
  fits: (x, weight) => x.dtype === 'float32' && x.shape.at(-1) === weight.size && canReplaceInBfloat16(x.size),
  run: (x, weight, eps) => {
    const [rows, type] = asStored(rowsOf(x, weight));
    const resultType = tracedPrecision() ?? 'float32';
    return withGradient(
      [x, weight],
      () => {
        const { y, scales } = forwardKernel({ rows, weight }, { type, resultType, eps });
        return { value: widened(y, resultType).reshape(x.shape), saved: { rows, weight, scales } };
      },
      (dy, saved) => {
        const [dys, dyType] = asStored(rowsOf(dy, weight));
        const dx = backwardKernel({ ...saved, dys }, { type, dyType });
        const dWeight = rowsOf(dy, weight).mul(widened(saved.rows, type)).mul(saved.scales.expandDims(1)).sum(0);
        return [dx.reshape(dy.shape), dWeight];
      },
    );
  },
};

/** Shapes: (…, C) → (rows, C). */
function rowsOf(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  return x.reshape([-1, weight.size]);
}

type Inputs = { readonly rows: tf.Tensor; readonly weight: tf.Tensor };

const forwardKernel = compile(
  (
    { rows, weight }: Inputs,
    { type, resultType, eps }: { readonly type: NumberType; readonly resultType: NumberType; readonly eps: number },
  ) => {
    const results = [
      { type: resultType, shape: rows.shape },
      { type: 'float32', shape: rows.shape.slice(0, 1) },
    ] as const;
    const [y, scales] = callNative('lowrank_rms_norm', operandsOf({ rows, weight }, type), results, { eps });
    return { y, scales };
  },
  { name: 'rms_norm', xla: true },
);

const backwardKernel = compile(
  (
    { dys, scales, ...inputs }: Inputs & { readonly dys: tf.Tensor; readonly scales: tf.Tensor },
    { type, dyType }: { readonly type: NumberType; readonly dyType: NumberType },
  ) => {
    const operands = [[dys, dyType] as const, ...operandsOf(inputs, type), [scales, 'float32'] as const];
    const [dx] = callNative('lowrank_rms_norm_slopes', operands, [{ type: 'float32', shape: inputs.rows.shape }]);
    return dx;
  },
  { name: 'rms_norm_gradient', xla: true },
);

function operandsOf({ rows, weight }: Inputs, type: NumberType): (readonly [tf.Tensor, NumberType])[] {
  return [
    [rows, type],
    [weight, 'float32'],
  ];
}
