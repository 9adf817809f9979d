/** Runs a function, and then its gradient, under a trace. */

import { tf } from '../../device/tensorflow';
import { UnsupportedError } from '../../errors';
import { type Arguments, holdsTensor, mapLeaves, replaceTensors } from '../signature';
import { backendInternals, engineInternals, type TensorInfo } from '../tfjsInternals';
import { backpropagate } from './backpropagate';
import type { Trace } from './trace';

/** A function and a call of it. */
export interface TracedCall {
  readonly fn: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
  readonly given: Arguments;
  /** The ids of the outer tensors that running gradients pass through. */
  readonly reached: ReadonlySet<number>;
}

/** A tensor that the function takes, and its symbol if the function used it. */
interface Source {
  readonly outer: TensorInfo;
  readonly symbol?: number;
}

/** The gradients by sources, given the gradients by results. */
export interface Gradients {
  readonly resultGradients: readonly { readonly result: number; readonly symbol: number }[];
  readonly wanted: readonly { readonly source: number; readonly symbol: number }[];
  /** Where in the graph they begin. */
  readonly firstOperation: number;
}

/** A function as symbols. */
interface TracedFunction {
  /** The function's result with a {@link Slot} for each tensor. */
  readonly template: unknown;
  readonly results: readonly number[];
  /** The tensors among the arguments, the parameters of the trees among them, and what was captured besides. */
  readonly sources: readonly Source[];
  readonly assigned: readonly { readonly source: number; readonly symbol: number }[];
  readonly gradients?: Gradients;
}

/** A place in the result where a call puts a tensor. */
export class Slot {
  constructor(readonly index: number) {}
}

export function isReached(source: TensorInfo, reached: ReadonlySet<number>): source is tf.Tensor {
  return source instanceof tf.Tensor && source.dtype === 'float32' && reached.has(source.id);
}

export function runTrace(trace: Trace, call: TracedCall): TracedFunction {
  const { given, reached } = call;
  const watched = new Set(reached); // grows by the arguments' stand-ins
  const standIns: { readonly tensor: tf.Tensor; readonly symbol: number }[] = [];
  const sources = () => listSources(trace, given, standIns);
  const traced = trace.run(() => {
    for (const tensor of given.tensors) {
      const standIn = trace.input(backendInternals().tensorMap.get(tensor.dataId)?.dtype ?? 0, tensor.shape);
      if (tensor instanceof tf.Variable) Object.assign(standIn.tensor, { assign: () => refuseAssignment(trace.name) });
      if (isReached(tensor, reached)) watched.add(standIn.tensor.id);
      standIns.push(standIn);
    }
    const tensors: tf.Tensor[] = [];
    const template = recording(reached.size > 0, () => {
      const result = callFunction(trace, call, standIns);
      return mapLeaves(result, (leaf) => {
        if (leaf instanceof tf.Tensor) return new Slot(tensors.push(leaf) - 1);
        if (!holdsTensor(leaf)) return leaf;
        throw new UnsupportedError(
          `'${trace.name}' returns tensors inside a ${(leaf as object).constructor.name}: return them in arrays and plain objects`,
        );
      });
    });
    const results = tensors.map((tensor) => trace.symbolOf(tensor));
    if (reached.size === 0) return { template, results };
    const xs = sources().flatMap(({ outer }, source) =>
      isReached(outer, reached) ? [{ source, id: standIns[source]?.tensor.id ?? outer.id, shape: outer.shape }] : [],
    );
    return { template, results, gradients: traceGradients(trace, tensors, xs) };
  }, watched);
  const all = sources();
  const assigned = trace.assignments.map(({ variable, symbol }) => {
    const known = all.findIndex(({ outer }) => outer === variable);
    return { source: known < 0 ? all.push({ outer: variable }) - 1 : known, symbol };
  });
  return { ...traced, sources: all, assigned };
}

function callFunction(trace: Trace, { fn, args }: TracedCall, standIns: readonly { readonly tensor: tf.Tensor }[]): unknown {
  const replaced = replaceTensors(
    args,
    standIns.map(({ tensor }) => tensor),
  );
  const result = (fn as (...all: unknown[]) => unknown)(...replaced);
  if (!(result instanceof Promise)) return result;
  result.catch(() => undefined); // the reason does not matter: an async function is refused in any case
  throw new UnsupportedError(`'${trace.name}' returns a promise: a function cannot wait while it is traced`);
}

function refuseAssignment(name: string): never {
  throw new UnsupportedError(`'${name}' assigns to an argument: capture the variable, or give it as a field of a Module`);
}

/** Runs `fn` with tfjs's tape on, or off. */
function recording<T>(isOn: boolean, fn: () => T): T {
  if (!isOn) return fn();
  const engine = engineInternals();
  engine.startTape();
  try {
    return fn();
  } finally {
    engine.endTape();
  }
}

interface Watched {
  readonly source: number;
  readonly id: number;
  readonly shape: readonly number[];
}

function traceGradients(trace: Trace, results: readonly tf.Tensor[], xs: readonly Watched[]): Gradients {
  const firstOperation = trace.graph.operations.length;
  const ends = new Map<number, tf.Tensor[]>();
  const resultGradients = results.flatMap((result, index) => {
    if (result.dtype !== 'float32') return [];
    const { tensor, symbol } = trace.input(1, result.shape);
    ends.set(result.id, [...(ends.get(result.id) ?? []), tensor]); // it may be returned twice
    return [{ result: index, symbol }];
  });
  const gradients = backpropagate(engineInternals().state.activeTape ?? [], ends, xs);
  const wanted = xs.map(({ source, shape }, index) => ({ source, symbol: trace.symbolOf(gradients[index] ?? tf.zeros([...shape])) }));
  return { resultGradients, wanted, firstOperation };
}

function listSources(trace: Trace, { tensors, parameters }: Arguments, standIns: readonly { readonly symbol: number }[]): Source[] {
  const captures = new Map(trace.captures.map(({ source, symbol }) => [source, symbol]));
  const inputs = tensors.map((outer, index) => ({ outer, symbol: standIns[index]?.symbol }));
  const own = parameters.map((outer) => ({ outer, symbol: captures.get(outer) }));
  for (const parameter of parameters) captures.delete(parameter);
  return [...inputs, ...own, ...Array.from(captures, ([outer, symbol]) => ({ outer, symbol }))];
}
