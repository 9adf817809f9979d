/**
 * Runs a function on symbols instead of tensors: tfjs's backend adds each operation to a graph instead of executing it. Nothing is computed
 * and nothing large is held.
 */
import type { OpAttribute } from '../../device/backend';
import { tf } from '../../device/tensorflow';
import { StateError, UnsupportedError } from '../../errors';
import { Bfloat16Products } from '../graph/bfloat16Products';
import type { ContextFunction } from '../graph/contextFunction';
import { GraphBuilder } from '../graph/graphBuilder';
import { OperationRewriter } from '../graph/operationRewriter';
import type { Precision } from '../precision';
import {
  backendInternals,
  type DataEntry,
  engineInternals,
  type GraphBinding,
  type Handle,
  sourceLine,
  type TensorInfo,
  tensorOfHandle,
} from '../tfjsInternals';
import { AssignedVariables } from './assignedVariables';
import { gradientSources } from './gradientSources';
import { replaceProperties, replaceRandom } from './replaceProperties';

/** Larger constants, in bytes, are fed at each call and are not part of the graph. */
const MAX_CONSTANT_BYTES = 4096;

/** A tensor from outside that the traced function uses; a variable's value is looked up at each call. */
export interface Capture {
  readonly source: TensorInfo;
  readonly symbol: number;
}

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

/** Handles of symbols are below −1, which tfjs never deletes, and unique over all traces. */
let lastHandle = -1;

/** The precision of matrix products in the function that is being traced. */
export function tracedPrecision(): Precision | undefined {
  return active?.precision;
}

export class Trace {
  readonly graph: GraphBuilder;
  readonly captures: Capture[] = [];
  readonly assignments: Assignment[] = [];
  /** Values written by the traced function that are too large for the graph; the user of the function frees them. */
  readonly lifted: TensorInfo[] = [];
  /** The functions that the traced one calls. */
  readonly called = new Set<ContextFunction>();
  /** The trace in which this one began, if a captured tensor belongs to it. */
  owner: Trace | undefined;
  private readonly products: Bfloat16Products;
  private readonly rewriter: OperationRewriter;
  private readonly backend = backendInternals();
  private readonly binding: GraphBinding;
  private readonly engine = engineInternals();
  private readonly parent = active;
  private readonly firstOwnTensor = this.engine.nextTensorId();
  private readonly symbolOfHandle = new Map<number, number>();
  private readonly handleOfSymbol = new Map<number, number>();
  private readonly written = new WeakSet<object>();
  private readonly handleOfSource = new WeakMap<object, number>();
  private readonly outsiders = new WeakMap<object, TensorInfo>(); // by data
  private readonly assigned = new AssignedVariables();
  private readonly variables: ReadonlyMap<object, tf.Variable>;

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
    this.variables = new Map(Object.values(this.engine.registeredVariables).map((variable) => [variable.dataId, variable]));
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

  /** A tensor of the traced program for a symbol of its graph. */
  tensorOf(symbol: number): tf.Tensor {
    return tensorOfHandle(this.describe(symbol));
  }

  /** The symbol of a tensor; a tensor from outside becomes a captured input. */
  symbolOf(tensor: TensorInfo): number {
    return this.symbolOfHandle.get(this.handleOf(tensor)) as number;
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

  private describe(symbol: number): Handle {
    const { dtype, shape } = this.graph.symbol(symbol);
    const handle = this.handleOfSymbol.get(symbol) ?? this.newHandle(symbol);
    return { id: handle, dtype, shape: [...shape] };
  }

  private newHandle(symbol: number): number {
    lastHandle -= 1;
    this.symbolOfHandle.set(lastHandle, symbol);
    this.handleOfSymbol.set(symbol, lastHandle);
    return lastHandle;
  }

  private handleOf(tensor: TensorInfo): number {
    const { tensorMap } = this.backend;
    const entry = tensorMap.has(tensor.dataId) ? tensorMap.get(tensor.dataId) : undefined; // get alone would throw
    if (!entry) throw new StateError(`a disposed tensor of shape [${tensor.shape}] is used in '${this.name}' (${sourceLine()})`);
    if (this.symbolOfHandle.has(entry.id)) return entry.id;
    const source = this.sourceOf(tensor);
    const isWritten = !(source instanceof tf.Variable) && this.written.has(source.dataId) && entry.values !== null;
    const key = isWritten ? source.dataId : source;
    const known = this.handleOfSource.get(key);
    if (known !== undefined) return known;
    const handle = this.newHandle(isWritten ? this.literal(tensor, entry) : this.capture(source, entry));
    this.handleOfSource.set(key, handle);
    return handle;
  }

  /** A tensor whose values the traced function wrote. */
  private literal(tensor: TensorInfo, { dtype, shape, values }: DataEntry): number {
    if (!ArrayBuffer.isView(values)) {
      throw new UnsupportedError(
        `a tensor of dtype ${tensor.dtype} is made in '${this.name}' (${sourceLine()}): compiled functions take numbers`,
      );
    }
    const symbol = this.graph.literal(dtype, shape, values, MAX_CONSTANT_BYTES);
    if (symbol !== undefined) return symbol;
    const source = { dataId: {}, shape, dtype: tensor.dtype };
    const id = this.binding.createTensor(shape, dtype, values);
    this.backend.tensorMap.set(source.dataId, { shape, dtype, id, values: null, refCount: 1 });
    this.lifted.push(source);
    return this.captureSource(source, dtype);
  }

  private capture(source: TensorInfo, { id, dtype }: DataEntry): number {
    if (id < -1 && !this.parent?.knows(id)) {
      throw new StateError(
        `a tensor that was made while another function was traced is used in '${this.name}' (${sourceLine()}): it never had a value; return it from that function`,
      );
    }
    if (id < -1) this.owner = this.parent;
    if (!(source instanceof tf.Tensor)) this.share(source);
    return this.captureSource(source, dtype);
  }

  /** A value that a called function owns belongs to this function too, which may live longer. */
  private share(lifted: TensorInfo): void {
    this.backend.incRef(lifted.dataId);
    this.lifted.push(lifted);
  }

  private captureSource(source: TensorInfo, dtype: number): number {
    const symbol = this.graph.placeholder(dtype, source.shape);
    this.captures.push({ source, symbol });
    return symbol;
  }

  /** The tensor from outside with this value, also for the saved copy of a gradient. */
  private sourceOf(tensor: TensorInfo): TensorInfo {
    const isOutside = tensor instanceof tf.Tensor && (tensor instanceof tf.Variable || tensor.id < this.firstOwnTensor);
    if (!isOutside) return this.variables.get(tensor.dataId) ?? this.outsiders.get(tensor.dataId) ?? tensor;
    this.outsiders.set(tensor.dataId, tensor);
    return tensor;
  }

  private knows(handle: number): boolean {
    return this.symbolOfHandle.has(handle) || (this.parent?.knows(handle) ?? false);
  }

  private execute(op: string, attributes: readonly OpAttribute[], handles: readonly number[]): Handle[] {
    const inputs = handles.map((handle) => this.symbolOfHandle.get(handle) as number);
    return this.rewriter.add(op, attributes, inputs).map((symbol) => this.describe(symbol));
  }

  private refuseRead(): never {
    throw new UnsupportedError(
      `a tensor's data is read while '${this.name}' is traced (${sourceLine()}): nothing has a value yet. Return the tensor and read it outside.`,
    );
  }

  private replaceBackend(): () => void {
    const { backend, written } = this;
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
      getInputTensorIds: (tensors: readonly TensorInfo[]) => tensors.map((tensor) => this.handleOf(tensor)),
      write: (values: unknown, shape: readonly number[], dtype: tf.DataType) => {
        const dataId = write.call(backend, values, shape, dtype);
        written.add(dataId);
        return dataId;
      },
      readSync: (dataId: object) => (written.has(dataId) ? readSync.call(backend, dataId) : refuse()),
    });
  }

  /** A variable whose first value is written in JavaScript counts as made before the trace. */
  private refuseNewVariables(): void {
    const known = new Set(this.variables.values());
    for (const variable of Object.values(this.engine.registeredVariables)) {
      const isNew = !known.has(variable) && this.symbolOfHandle.has(this.backend.tensorMap.get(variable.dataId)?.id ?? 0);
      if (!isNew) continue;
      variable.dispose();
      throw new UnsupportedError(`a variable is made while '${this.name}' is traced: make it before the first call`);
    }
  }
}
