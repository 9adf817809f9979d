/** Sums of large tensors on a CPU, by this library's part of the native binding. */
import { tf } from '../tensorflow';
import { callFunction } from './callFunction';
import { ContextFunction } from './contextFunction';
import { asStored, callNative, canReplaceInBfloat16, type NumberType } from './nativeKernels';
import { backendInternals } from './tfjsInternals';
import { Trace } from './trace';

/** The functions that have been needed, by the terms' length and types. */
const sums = new Map<string, ContextFunction>();

/**
 * The sum of tensors, in their order and in float32. A function that is being traced for the CPU makes one pass where some of them are
 * what products gave in bfloat16.
 */
export function sumOf(terms: readonly [tf.Tensor, ...tf.Tensor[]]): tf.Tensor {
  const [first] = terms;
  if (terms.length < 2) return first;
  return tf.tidy(() => nativeSum(terms) ?? terms.reduce((sum, term) => tf.add(sum, term)));
}

function nativeSum(terms: readonly [tf.Tensor, ...tf.Tensor[]]): tf.Tensor | undefined {
  const [{ size, shape }] = terms;
  const fits = terms.every((term) => term.dtype === 'float32' && term.shape.join() === shape.join());
  if (!fits || !canReplaceInBfloat16(size)) return undefined;
  const stored = terms.map((term) => asStored(term.reshape([-1])));
  const types = stored.map(([, type]) => type);
  if (!types.includes('bfloat16')) return undefined;
  const [sum] = callFunction(
    functionFor(size, types),
    stored.map(([tensor]) => tensor),
  );
  return sum?.reshape(shape);
}

function functionFor(size: number, types: readonly NumberType[]): ContextFunction {
  const key = `${size} ${types}`;
  const known = sums.get(key);
  if (known) return known;
  const { TF_FLOAT, TF_BFLOAT16 } = backendInternals().binding;
  const trace = new Trace('sum', 'float32', true);
  try {
    const { inputs, outputs } = trace.run(() => {
      const terms = types.map((type) => ({ type, ...trace.input(type === 'bfloat16' ? TF_BFLOAT16 : TF_FLOAT, [size]) }));
      const operands = terms.map(({ tensor, type }) => [tensor, type] as const);
      const [sum] = callNative('lowrank_sum', operands, [{ type: 'float32', shape: [size] }]);
      return { inputs: terms.map(({ symbol }) => symbol), outputs: [trace.symbolOf(sum)] };
    });
    const fn = ContextFunction.of(trace.graph, { name: 'sum', inputs, outputs, isXla: true, calls: [] });
    sums.set(key, fn);
    return fn;
  } finally {
    trace.graph.delete();
  }
}
