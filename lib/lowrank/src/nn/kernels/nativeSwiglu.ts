/**
 * SwiGLU on a CPU, by the native binding, in one pass.
 *
 * Without it, a training step in bfloat16 takes 1.087 times as long (tests/bench/results/cpu/kernels.json).
 */
import { compile, type tf } from '../../runtime';
import { widened } from '../../runtime/compile/graph/numberFormats';
import { asStored, callNative, canReplaceOperations, type NumberType } from '../../runtime/compile/nativeKernels';
import { tracedPrecision } from '../../runtime/compile/tracing/trace';
import { withGradient } from '../customGradient';
import type { Kernel } from './kernel';

/**
 * `SiLU(gate) ∘ up`, computed in float32. It reads bfloat16 results of products without a cast; in a bfloat16 program its result is rounded
 * to bfloat16 for all that use it.
 */
export const nativeSwiglu: Kernel<[gate: tf.Tensor, up: tf.Tensor]> = {
  fits: (gate) => canReplaceOperations(gate.size),
  run: (gate, up) => {
    const [gates, gateType] = asStored(gate);
    const [ups, upType] = asStored(up);
    const resultType = tracedPrecision() ?? 'float32'; // of the value and of its gradients
    return withGradient(
      [gate, up],
      () => ({ value: widened(forwardKernel({ gates, ups }, { gateType, upType, resultType }), resultType), saved: { gates, ups } }),
      (dy, saved) => {
        const [dys, dyType] = asStored(dy);
        const { dgate, dup } = backwardKernel({ dys, ...saved }, { gateType, upType, dyType, resultType });
        return [widened(dgate, resultType), widened(dup, resultType)];
      },
    );
  },
};

type Inputs = { readonly gates: tf.Tensor; readonly ups: tf.Tensor };
type Types = { readonly gateType: NumberType; readonly upType: NumberType; readonly resultType: NumberType };

const forwardKernel = compile(
  ({ gates, ups }: Inputs, { gateType, upType, resultType }: Types) => {
    const operands = [[gates, gateType] as const, [ups, upType] as const];
    const [y] = callNative('lowrank_swiglu', operands, [{ type: resultType, shape: gates.shape }]);
    return y;
  },
  { name: 'swiglu', xla: true },
);

const backwardKernel = compile(
  (
    { dys, gates, ups }: Inputs & { readonly dys: tf.Tensor },
    { dyType, gateType, upType, resultType }: Types & { readonly dyType: NumberType },
  ) => {
    const operands = [[dys, dyType] as const, [gates, gateType] as const, [ups, upType] as const];
    const result = { type: resultType, shape: gates.shape };
    const [dgate, dup] = callNative('lowrank_swiglu_gradients', operands, [result, result]);
    return { dgate, dup };
  },
  { name: 'swiglu_gradient', xla: true },
);
