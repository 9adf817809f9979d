/** What a backward pass takes from the forward pass, and what it makes anew. */
import { bytesOf } from './cost';
import type { GraphBuilder, KnownSymbol } from './graphBuilder';

/** What the function of the backward pass takes. */
export interface BackwardInputs {
  /** Symbols of the forward pass whose values are kept. */
  readonly residuals: readonly number[];
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

/** Operations whose results are made anew in any case: they cost nothing, or what they are made of takes less room. */
const FREE: ReadonlySet<string> = new Set(['Const', 'Fill', 'Identity', 'Range', 'Reshape']);

/** Operations that give something else each time they run. */
const RANDOM = /^(Random|Truncated|Parameterized|Multinomial|Stateful)/;

export function backwardInputs(graph: GraphBuilder, { outputs, fed, firstOperation, recompute }: BackwardPlan): BackwardInputs {
  const isKept = (symbol: number) => {
    const { type, inputs } = graph.operationOf(symbol);
    if (graph.symbol(symbol).operation >= firstOperation) return false;
    if (RANDOM.test(type)) return true;
    return !recompute && !FREE.has(type) && !(type === 'Cast' && grows(graph.symbol(inputs[0] as number), graph.symbol(symbol)));
  };
  const { ends } = graph.walk(outputs, (symbol) => fed.has(symbol) || isKept(symbol));
  return { residuals: ends.filter((symbol) => !fed.has(symbol)), given: ends.filter((symbol) => fed.has(symbol)) };
}

function grows(from: KnownSymbol, to: KnownSymbol): boolean {
  return bytesOf(from) < bytesOf(to);
}
