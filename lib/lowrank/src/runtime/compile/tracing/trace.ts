/**
 * Runs a function on symbols instead of tensors: tfjs's backend adds each operation to a graph instead of executing it. Nothing is computed
 * and nothing large is held.
 */
import type { OpAttribute } from '../../device/backend';
import { tf } from '../../device/tensorflow';
import { UnsupportedError } from '../../errors';
import { Bfloat16Products } from '../graph/bfloat16Products';
import type { ContextFunction } from '../graph/contextFunction';
import { GraphBuilder } from '../graph/graphBuilder';
import { OperationRewriter } from '../graph/operationRewriter';
import type { Precision } from '../precision';
import { backendInternals, engineInternals, type GraphBinding, type Handle, sourceLine, type TensorInfo } from '../tfjsInternals';
import { AssignedVariables } from './assignedVariables';
import { gradientSources } from './gradientSources';
import { replaceProperties, replaceRandom } from './replaceProperties';
import { type Capture, TracedTensors } from './tracedTensors';

/** A variable that the traced function assigned, and the symbol of its new value. */
export interface Assignment {
  readonly variable: tf.Variable;
  readonly symbol: number;
}

/** The running trace, if any; the innermost of nested ones. */
let active: Trace | undefined;

export function activeTrace(): Trace | undefined {
  return active;
}

/** Whether a function is being traced: tensors then stand for future values. */
export function isTracing(): boolean {
  return active !== undefined;
}

/** The precision of matrix products in the function that is being traced. */
export function tracedPrecision(): Precision | undefined {
  return active?.precision;
}

export class Trace {
  readonly graph: GraphBuilder;
  readonly assignments: Assignment[] = [];
  /** The functions that the traced one calls. */
  readonly called = new Set<ContextFunction>();
  private readonly products: Bfloat16Products;
  private readonly rewriter: OperationRewriter;
  private readonly backend = backendInternals();
  private readonly binding: GraphBinding;
  private readonly engine = engineInternals();
  private readonly parent = active;
  private readonly assigned = new AssignedVariables();
  private readonly tensors: TracedTensors;

  constructor(
    readonly name: string,
    readonly precision: Precision,
    /** Whether XLA is sure to compile it. */
    readonly isXla = false,
  ) {
    this.binding = this.parent?.binding ?? this.backend.binding;
    this.graph = new GraphBuilder(this.binding);
    this.products = new Bfloat16Products(this.graph, this.binding);
    this.rewriter = new OperationRewriter(this.graph, this.binding, this.products, precision);
    this.tensors = new TracedTensors(this.graph, { name, binding: this.binding, parent: this.parent?.tensors });
  }

  /**
   * Runs `fn`, and sends everything that tfjs would execute or record to this trace.
   *
   * @param watched - the ids of the tensors whose gradients will be asked for
   */
  run<T>(fn: () => T, watched: ReadonlySet<number> = new Set()): T {
    const { engine } = this;
    const { state } = engine;
    const before = { gradientDepth: state.gradientDepth, kernelDepth: state.kernelDepth, activeTape: state.activeTape };
    const restore = [this.replaceBackend(), this.assigned.replaceAssign(), replaceRandom(this.name), gradientSources.replace(watched)];
    Object.assign(state, { gradientDepth: 0, kernelDepth: 0, activeTape: null });
    const outer = active;
    active = this;
    engine.startScope(this.name);
    try {
      const result = fn();
      for (const [variable, value] of this.assigned.values()) this.assignments.push({ variable, symbol: this.symbolOf(value) });
      this.assigned.undo();
      this.refuseNewVariables();
      return result;
    } finally {
      for (const node of state.activeTape ?? []) tf.dispose([...node.saved]); // a function that threw leaves its tape behind
      this.assigned.undo();
      engine.endScope();
      active = outer;
      Object.assign(state, before);
      for (const undo of restore) undo();
    }
  }

  /** A tensor that stands for an input of the function. */
  input(dtype: number, shape: readonly number[]): { readonly tensor: tf.Tensor; readonly symbol: number } {
    const symbol = this.graph.placeholder(dtype, shape);
    return { tensor: this.tensorOf(symbol), symbol };
  }

  /** The tensors from outside that the function uses. */
  get captures(): readonly Capture[] {
    return this.tensors.captures;
  }

  /** Values written by the traced function that are too large for the graph; the user of the function frees them. */
  get lifted(): readonly TensorInfo[] {
    return this.tensors.lifted;
  }

  /** The trace in which this one began, if a captured tensor belongs to it. */
  get owner(): Trace | undefined {
    return this.tensors.isOfParent ? this.parent : undefined;
  }

  /** A tensor of the traced program for a symbol of its graph. */
  tensorOf(symbol: number): tf.Tensor {
    return this.tensors.tensorOf(symbol);
  }

  /** The symbol of a tensor; a tensor from outside becomes a captured input. */
  symbolOf(tensor: TensorInfo): number {
    return this.tensors.symbolOf(tensor);
  }

  /** The bfloat16 values that a tensor was cast from, of a stored weight or a product; tfjs calls their type float32. */
  beforeWidening(tensor: TensorInfo): tf.Tensor | undefined {
    const symbol = this.products.original(this.symbolOf(tensor));
    return symbol === undefined ? undefined : this.tensorOf(symbol);
  }

  /** Calls a function as one operation of this trace. */
  call(fn: ContextFunction, inputs: readonly TensorInfo[]): tf.Tensor[] {
    this.called.add(fn);
    this.graph.beyondXla ??= fn.beyondXla;
    const symbols = inputs.map((tensor) => this.symbolOf(tensor));
    return this.graph.call(fn.name, symbols, fn.outputs, fn.isXla).map((symbol) => this.tensorOf(symbol));
  }

  private execute(op: string, attributes: readonly OpAttribute[], handles: readonly number[]): Handle[] {
    const inputs = handles.map((handle) => this.tensors.symbolOfHandle(handle));
    return this.rewriter.add(op, attributes, inputs).map((symbol) => this.tensors.describe(symbol));
  }

  private refuseRead(): never {
    throw new UnsupportedError(
      `a tensor's data is read while '${this.name}' is traced (${sourceLine()}): nothing has a value yet. Return the tensor and read it outside.`,
    );
  }

  private replaceBackend(): () => void {
    const { backend, tensors } = this;
    const refuse = () => this.refuseRead();
    const traced: GraphBinding = Object.create(this.binding, {
      executeOp: {
        value: (op: string, attributes: readonly OpAttribute[], inputs: readonly number[]) => this.execute(op, attributes, inputs),
      },
      tensorDataSync: { value: refuse },
      deleteTensor: { value: (id: number) => (id < -1 ? undefined : this.binding.deleteTensor(id)) }, // a symbol has nothing to free
    });
    const { write, readSync } = backend;
    return replaceProperties(backend, {
      binding: traced,
      getInputTensorIds: (inputs: readonly TensorInfo[]) => inputs.map((tensor) => tensors.handleOf(tensor)),
      write: (values: unknown, shape: readonly number[], dtype: tf.DataType) => {
        const dataId = write.call(backend, values, shape, dtype);
        tensors.written.add(dataId);
        return dataId;
      },
      readSync: (dataId: object) => (tensors.written.has(dataId) ? readSync.call(backend, dataId) : refuse()),
    });
  }

  /** A variable whose first value is written in JavaScript counts as made before the trace. */
  private refuseNewVariables(): void {
    for (const variable of Object.values(this.engine.registeredVariables)) {
      if (!this.tensors.isNew(variable)) continue;
      variable.dispose();
      throw new UnsupportedError(`a variable is made while '${this.name}' is traced: make it before the first call`);
    }
  }
}
