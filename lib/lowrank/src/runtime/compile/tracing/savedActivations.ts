/** Chooses which forward values to save for the backward pass and which to recompute. */

import { sizeOf } from '../../sizeOf';
import type { GraphBuilder } from '../graph/graphBuilder';
import { typeBytes } from '../graph/typeNumbers';

interface BackwardInputs {
  /** Symbols of the forward pass whose values are saved. */
  readonly savedActivations: readonly number[];
  /** The other inputs: the function's own sources, and the gradients by its results. */
  readonly given: readonly number[];
}

/** A backward pass in a graph. */
interface BackwardPlan {
  /** The gradients to return. */
  readonly outputs: readonly number[];
  /** The symbols that are fed: sources, and gradients by the results. */
  readonly fed: ReadonlySet<number>;
  /** Where in the graph the backward pass begins. */
  readonly firstOperation: number;
  /** Whether everything is recomputed and nothing saved. */
  readonly recompute: boolean;
}

/** Operations that read and write each element once: cheap to recompute. */
const CHEAP: ReadonlySet<string> = new Set(
  `Add AddV2 BroadcastTo Cast ConcatV2 Const Cos Div EnsureShape ExpandDims Fill Identity Maximum Mean Minimum Mul Neg Range RealDiv Reciprocal Reshape Rsqrt
   SelectV2 Sigmoid Sin Slice Softmax Split Sqrt Square Squeeze Sub Sum Tanh Tile Transpose`.split(/\s+/),
);

/** Operations with another result at each run. */
const RANDOM = /^(Random|Truncated|Parameterized|Multinomial|Stateful)/;

/**
 * Chooses what to save: the values that the backward pass uses or, where that takes less memory and only cheap operations, the values that
 * they are computed from. The softmax of attention is recomputed from its scores in bfloat16, and a normalised state from the state.
 */
export function backwardInputs(graph: GraphBuilder, { outputs, fed, firstOperation, recompute }: BackwardPlan): BackwardInputs {
  const isForward = (symbol: number) => graph.symbol(symbol).operation < firstOperation;
  const isRandom = (symbol: number) => RANDOM.test(graph.operationOf(symbol).type);
  const isKept = (symbol: number) => isForward(symbol) && (isRandom(symbol) || !recompute);
  const used = graph.walk(outputs, (symbol) => fed.has(symbol) || isKept(symbol)).ends.filter((symbol) => !fed.has(symbol));
  const kept = recompute ? new Set(used) : lightened(graph, used, fed);
  const { ends } = graph.walk(outputs, (symbol) => fed.has(symbol) || kept.has(symbol));
  return { savedActivations: ends.filter((symbol) => !fed.has(symbol)), given: ends.filter((symbol) => fed.has(symbol)) };
}

/** Replaces saved symbols by the inputs of their cheap operations as long as that saves bytes. */
function lightened(graph: GraphBuilder, symbols: readonly number[], fed: ReadonlySet<number>): Set<number> {
  const kept = new Set(symbols);
  const bytes = (symbol: number) => sizeOf(graph.symbol(symbol).shape) * typeBytes(graph.symbol(symbol).dtype);
  const isCheap = (symbol: number) => CHEAP.has(graph.operationOf(symbol).type);
  const replaced = (symbol: number) => {
    if (!isCheap(symbol)) return false;
    const isEnd = (one: number) => fed.has(one) || (one !== symbol && kept.has(one)) || !isCheap(one);
    const added = graph.walk([symbol], isEnd).ends.filter((one) => !fed.has(one) && !kept.has(one));
    if (added.reduce((sum, one) => sum + bytes(one), 0) >= Math.max(1, bytes(symbol))) return false;
    kept.delete(symbol);
    for (const one of added) kept.add(one);
    return true;
  };
  let isChanging = true;
  while (isChanging) {
    isChanging = [...kept].sort((a, b) => bytes(b) - bytes(a)).some(replaced);
  }
  return kept;
}
