/** A named function of TensorFlow's context: a graph, ready to run as one call. */
import { createHash } from 'node:crypto';
import { ShapeError, StateError } from '../../errors';
import { backendInternals, type TensorInfo } from '../tfjsInternals';
import { type Cost, costOf } from './cost';
import { type GraphBuilder, MUST_COMPILE, type Operation, type SymbolType } from './graphBuilder';

interface FunctionPlan {
  readonly name: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly isXla: boolean;
  /** The functions that it may call; they live as long as it does. */
  readonly calls: Iterable<ContextFunction>;
}

/** A plan, and its operations in the graph. */
interface Definition extends FunctionPlan {
  readonly operations: readonly Operation[];
  readonly marks: readonly string[];
}

/** Never inlined: TensorFlow would merge the values that a backward pass recomputes with those of the forward pass. */
const NO_INLINE = '_noinline';

/** How many unused functions are kept: for a deep model, TensorFlow takes seconds to prepare one. */
const KEPT = 32;

/** Counted for the whole process: another copy of this library in it defines functions in the same context, where names are unique. */
const COUNT = Symbol.for('lowrank.definedFunctions');
const counts = globalThis as { [COUNT]?: number };

function nextNumber(): number {
  const number = counts[COUNT] ?? 0;
  counts[COUNT] = number + 1;
  return number;
}

export class ContextFunction {
  /** All functions of the context, by their content; unused ones in the order of their release. */
  private static readonly known = new Map<string, ContextFunction>();

  readonly name: string;
  readonly isXla: boolean;
  readonly inputs: readonly SymbolType[];
  readonly outputs: readonly SymbolType[];
  readonly cost: Cost;
  /** The operation that XLA cannot compile. */
  readonly beyondXla: string | undefined;
  private readonly calls: readonly ContextFunction[];
  private users = 0;

  /** The function of a plan: an equal one of the context if there is one, which TensorFlow need not prepare again. */
  static of(graph: GraphBuilder, plan: FunctionPlan): ContextFunction {
    const { inputs, outputs, isXla } = plan;
    const definition = { ...plan, operations: graph.between(inputs, outputs), marks: [isXla ? MUST_COMPILE : NO_INLINE] };
    const key = keyOf(graph, definition);
    const found = ContextFunction.known.get(key) ?? new ContextFunction(graph, definition, key);
    found.users++;
    return found;
  }

  private constructor(
    graph: GraphBuilder,
    { name, inputs, outputs, isXla, calls, operations, marks }: Definition,
    private readonly key: string,
  ) {
    const types = (symbols: readonly number[]) => symbols.map((symbol) => graph.symbol(symbol));
    this.name = `${name.replace(/\W/g, '_')}_${nextNumber()}`;
    this.isXla = isXla;
    this.inputs = types(inputs);
    this.outputs = types(outputs);
    this.beyondXla = graph.beyondXla;
    graph.define(this.name, operations, inputs, outputs, marks);
    this.calls = [...calls];
    this.cost = costOf(graph, operations, this.calls);
    for (const called of this.calls) called.users++;
    ContextFunction.known.set(key, this);
  }

  /** Releases one use. TensorFlow forgets an unused function once enough others were released after it. */
  release(): void {
    this.users--;
    if (this.users > 0) return;
    const { known } = ContextFunction;
    known.delete(this.key); // and now the latest
    known.set(this.key, this);
    const unused = [...known.values()].filter(({ users }) => users === 0);
    for (const oldest of unused.slice(0, -KEPT)) oldest.remove();
  }

  private remove(): void {
    if (!ContextFunction.known.delete(this.key)) return; // went with one that called it
    backendInternals().binding.functionRemove(this.name);
    for (const called of this.calls) called.release();
  }

  /** @throws ShapeError when an input has another shape or type than the function expects: TensorFlow would broadcast it silently. */
  check(inputs: readonly TensorInfo[]): void {
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

/** A hash of a function's content: its name, the operations with their attributes, and the symbols that it takes and returns. */
function keyOf(graph: GraphBuilder, { name, inputs, outputs, operations, marks }: Definition): string {
  const given = inputs.map((input) => graph.symbol(input));
  const text = JSON.stringify([name, marks, graph.beyondXla, given, inputs, outputs, operations], asText);
  return createHash('sha256').update(text).digest('base64');
}

/** Text for values that JSON loses: bytes, and the numbers that it writes as null or as 0. */
function asText(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
