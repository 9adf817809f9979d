/** Makes a program from a function and its arguments: traces it forward and backward, and registers both with TensorFlow. */
import { nodeBackend } from '../../device/backend';
import { UnsupportedError } from '../../errors';
import { ContextFunction } from '../graph/contextFunction';
import { costOf } from '../graph/cost';
import type { GraphBuilder } from '../graph/graphBuilder';
import type { Precision } from '../precision';
import { type BackwardPass, Program } from '../program';
import { backendInternals, type TensorInfo } from '../tfjsInternals';
import { isReached, runTrace, type TracedCall } from './runTrace';
import { backwardInputs } from './savedActivations';
import { Trace } from './trace';

/** How a function is traced. */
interface TraceOptions {
  readonly name: string;
  readonly precision: Precision;
  /** Whether XLA compiles it; `auto` does if that is possible and faster. */
  readonly xla: 'auto' | boolean;
  /** Whether the backward pass recomputes the forward values instead of saving them. */
  readonly recompute: boolean;
}

/** Traces a call. Later calls with the same key can run the returned program. */
export function traceProgram(call: TracedCall, options: TraceOptions): Program {
  const begin = performance.now();
  const { name, precision, recompute } = options;
  const trace = new Trace(name, precision, options.xla === true);
  const { graph } = trace;
  const made: ContextFunction[] = [];
  try {
    const { template, results, sources, assigned, gradients } = runTrace(trace, call);
    const sourceOf = new Map(sources.map(({ symbol }, index) => [symbol, index]));
    const define = (suffix: string, inputs: readonly number[], outputs: readonly number[]) => {
      const fn = ContextFunction.of(graph, { name: name + suffix, inputs, outputs, isXla: usesXla(trace, options), calls: trace.called });
      made.push(fn);
      return fn;
    };

    const wanted = distinct(graph, gradients?.wanted.map(({ symbol }) => symbol) ?? []);
    const resultGradients = new Map(gradients?.resultGradients.map(({ symbol, result }) => [symbol, result]));
    const fed = new Set([...sourceOf.keys(), ...resultGradients.keys()].filter((symbol) => symbol !== undefined));
    const firstOperation = gradients?.firstOperation ?? graph.operations.length;
    const { savedActivations, given } = backwardInputs(graph, { outputs: wanted, fed, firstOperation, recompute });

    const outputs = distinct(graph, [...results, ...assigned.map(({ symbol }) => symbol), ...savedActivations]);
    const inputs = graph.walk(outputs, (symbol) => sourceOf.has(symbol)).ends;
    const forward = define('', inputs, outputs);
    const backward: BackwardPass | undefined = gradients && {
      fn: define('_backward', [...given, ...savedActivations], wanted),
      given: given.map((symbol) =>
        resultGradients.has(symbol) ? { result: resultGradients.get(symbol) as number } : { source: sourceOf.get(symbol) as number },
      ),
      wanted: gradients.wanted.map(({ source }) => source),
    };
    return new Program({
      forward,
      backward,
      sources: inputs.map((symbol) => sourceOf.get(symbol) as number),
      captures: sources.slice(call.given.tensors.length + call.given.parameters.length).map(({ outer }) => outer),
      lifted: trace.lifted,
      template,
      numResults: results.length,
      numArguments: call.given.tensors.length,
      assigned: assigned.map(({ source }) => source),
      mask: maskOf(
        sources.map(({ outer }) => outer),
        call.reached,
      ),
      owner: trace.owner,
      milliseconds: performance.now() - begin,
    });
  } catch (error) {
    for (const fn of made) fn.release();
    for (const { dataId } of trace.lifted) backendInternals().disposeData(dataId);
    throw error;
  } finally {
    graph.delete();
  }
}

/** A key of the sources by which gradients are taken. */
export function maskOf(sources: readonly TensorInfo[], reached: ReadonlySet<number>): string {
  return sources.map((source) => (isReached(source, reached) ? '1' : '0')).join('');
}

/** Functions with more operations, called functions included, stay a graph of calls. A decoder layer and its gradient have about 300. */
const MAX_XLA_OPERATIONS = 1000;

/** On a GPU, XLA compiles all functions but the large ones, which stay graphs of calls: a deeper model takes no longer to compile. */
function usesXla({ name, graph, called }: Trace, { xla }: TraceOptions): boolean {
  if (xla === 'auto') {
    return (
      nodeBackend().binding.isUsingGpuDevice() &&
      !graph.beyondXla &&
      costOf(graph, graph.operations, called).operations <= MAX_XLA_OPERATIONS
    );
  }
  if (xla && graph.beyondXla) throw new UnsupportedError(`XLA cannot compile ${graph.beyondXla} in '${name}': compile it with xla: false`);
  return xla;
}

/** Symbols that can be a function's results: none is fed, none appears twice. */
function distinct(graph: GraphBuilder, symbols: readonly number[]): number[] {
  const seen = new Set<number>();
  return symbols.map((symbol) => {
    const isUsable = graph.operationOf(symbol).type !== 'Placeholder' && !seen.has(symbol);
    seen.add(symbol);
    return isUsable ? symbol : graph.identity(symbol);
  });
}
