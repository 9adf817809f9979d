/** What a backward pass takes from the forward pass, and what it makes anew. */

import type { GraphBuilder } from '../graph/graphBuilder';
import { typeBytes } from '../graph/typeNumbers';

/** What the function of the backward pass takes. */
export interface BackwardInputs {
  /** Symbols of the forward pass whose values are kept. */
  readonly savedActivations: readonly number[];
  /** The others: the function's own sources, and the gradients by its results. */
  readonly given: readonly number[];
}

/** A way back through a graph. */
export interface BackwardPlan {
  /** The gradients to give. */
  readonly outputs: readonly number[];
  /** What is fed: sources, and gradients by the results. */
  readonly fed: ReadonlySet<number>;
  /** Where in the graph the backward pass begins. */
  readonly firstOperation: number;
  /** Whether everything is made anew instead of kept. */
  readonly recompute: boolean;
}

/** Operations that read and write each element once: doing them again costs little. */
const CHEAP: ReadonlySet<string> = new Set(
  `Add AddV2 BroadcastTo Cast ConcatV2 Const Cos Div EnsureShape ExpandDims Fill Identity Maximum Mean Minimum Mul Neg Range RealDiv Reciprocal Reshape Rsqrt
   SelectV2 Sigmoid Sin Slice Softmax Split Sqrt Square Squeeze Sub Sum Tanh Tile Transpose`.split(/\s+/),
);

/** Operations that give something else each time they run. */
const RANDOM = /^(Random|Truncated|Parameterized|Multinomial|Stateful)/;

/**
 * Chooses what to keep: what the backward pass uses, or, where that takes less room and only cheap operations, what it is made of. So the
 * softmax of attention is made anew from its scores in bfloat16, and a normalised state from the state itself.
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

/** Replaces, as long as that saves bytes, a kept symbol by what it is made of in cheap operations. */
function lightened(graph: GraphBuilder, symbols: readonly number[], fed: ReadonlySet<number>): Set<number> {
  const kept = new Set(symbols);
  const bytes = (symbol: number) =>
    graph.symbol(symbol).shape.reduce((product, size) => product * size, typeBytes(graph.symbol(symbol).dtype));
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
