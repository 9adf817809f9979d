/** A function that TensorFlow's context knows by name: a graph, ready to run as one call. */
import { ShapeError, StateError } from '../errors';
import type { tf } from '../tensorflow';
import { type Cost, costOf } from './cost';
import { type GraphBuilder, MUST_COMPILE, type SymbolType } from './graphBuilder';
import { backendInternals, runOperation, type TensorInfo } from './internals';
import { activeTrace } from './trace';

/** What becomes a function. */
export interface FunctionPlan {
  readonly name: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly isXla: boolean;
  /** The functions that it may call; they live as long as it does. */
  readonly calls: Iterable<ContextFunction>;
}

/** Kept apart from what calls it: inlined, the values that a backward pass makes anew would be merged with those of the forward pass. */
const NO_INLINE = '_noinline';

let defined = 0;

export class ContextFunction {
  readonly name: string;
  readonly isXla: boolean;
  readonly inputs: readonly SymbolType[];
  readonly outputs: readonly SymbolType[];
  readonly cost: Cost;
  /** What in it XLA cannot compile. */
  readonly beyondXla: string | undefined;
  private readonly calls: readonly ContextFunction[];
  private users = 1;

  constructor(graph: GraphBuilder, { name, inputs, outputs, isXla, calls }: FunctionPlan) {
    const types = (symbols: readonly number[]) => symbols.map((symbol) => graph.symbol(symbol));
    this.name = `${name.replace(/\W/g, '_')}_${defined++}`;
    this.isXla = isXla;
    this.inputs = types(inputs);
    this.outputs = types(outputs);
    this.beyondXla = graph.beyondXla;
    const operations = graph.define(this.name, inputs, outputs, [isXla ? MUST_COMPILE : NO_INLINE]);
    this.calls = [...calls];
    this.cost = costOf(graph, operations, this.calls);
    for (const called of this.calls) called.users++;
  }

  /**
   * Runs the function, or adds the call to the function that is being traced.
   *
   * @throws ShapeError when an input has another shape or type than the function was made for: TensorFlow would broadcast it silently.
   */
  call(inputs: readonly TensorInfo[]): tf.Tensor[] {
    this.check(inputs);
    const trace = activeTrace();
    if (trace) return trace.call(this, inputs);
    return runOperation(this.name, [], inputs, this.outputs.length);
  }

  /** Gives up one use; with the last one TensorFlow forgets the function. */
  release(): void {
    this.users--;
    if (this.users > 0) return;
    backendInternals().binding.functionRemove(this.name);
    for (const called of this.calls) called.release();
  }

  private check(inputs: readonly TensorInfo[]): void {
    const { tensorMap } = backendInternals();
    for (const [index, { dtype, shape }] of this.inputs.entries()) {
      const dataId = inputs[index]?.dataId ?? {};
      const entry = tensorMap.has(dataId) ? tensorMap.get(dataId) : undefined;
      if (!entry) throw new StateError(`a tensor of shape [${shape}] that '${this.name}' uses was disposed of`);
      const isSameShape = entry.shape.length === shape.length && shape.every((size, axis) => size === entry.shape[axis]);
      if (entry.dtype !== dtype || !isSameShape) {
        throw new ShapeError(
          `input ${index} of '${this.name}' is [${entry.shape}] of type ${entry.dtype}, not [${shape}] of type ${dtype}`,
        );
      }
    }
  }
}
