/** Which symbol of a graph each tensor of a traced function stands for. */
import { tf } from '../../device/tensorflow';
import { StateError, UnsupportedError } from '../../errors';
import type { GraphBuilder } from '../graph/graphBuilder';
import { isCompilable } from '../signature';
import {
  backendInternals,
  type DataEntry,
  engineInternals,
  type GraphBinding,
  type Handle,
  runOperation,
  sourceLine,
  type TensorInfo,
  tensorOfHandle,
} from '../tfjsInternals';

/** Larger constants, in bytes, are fed at each call and are not part of the graph. */
const MAX_CONSTANT_BYTES = 4096;

/** Handles of symbols are below −1, which tfjs never deletes, and unique over all traces. */
let lastHandle = -1;

/** A tensor from outside that the traced function uses; a variable's value is looked up at each call. */
export interface Capture {
  readonly source: TensorInfo;
  readonly symbol: number;
}

/** The trace that the tensors belong to. */
interface TraceFacts {
  readonly name: string;
  readonly binding: GraphBinding;
  /** The tensors of the trace in which this one began. */
  readonly parent: TracedTensors | undefined;
}

export class TracedTensors {
  readonly captures: Capture[] = [];
  /** Values that are too large for the graph. */
  readonly lifted: TensorInfo[] = [];
  /** Whether a captured tensor belongs to the trace in which this one began. */
  isOfParent = false;
  private readonly name: string;
  private readonly binding: GraphBinding;
  private readonly parent: TracedTensors | undefined;
  private readonly backend = backendInternals();
  private readonly firstOwnTensor = engineInternals().nextTensorId();
  private readonly symbols = new Map<number, number>(); // by handle
  private readonly handles = new Map<number, number>(); // by symbol
  /** The data that the traced function wrote. */
  readonly written = new WeakSet<object>();
  private readonly handleOfSource = new WeakMap<object, number>();
  private readonly outsiders = new WeakMap<object, TensorInfo>(); // by data
  private readonly variables: ReadonlyMap<object, tf.Variable>; // by data
  private readonly known: ReadonlySet<tf.Variable>;

  constructor(
    private readonly graph: GraphBuilder,
    { name, binding, parent }: TraceFacts,
  ) {
    this.name = name;
    this.binding = binding;
    this.parent = parent;
    if (!parent) separateVariables();
    this.variables = new Map(Object.values(engineInternals().registeredVariables).map((variable) => [variable.dataId, variable]));
    this.known = new Set(this.variables.values());
  }

  /** Whether a variable was made during the trace, with a value of the trace. */
  isNew(variable: tf.Variable): boolean {
    return !this.known.has(variable) && this.symbols.has(this.backend.tensorMap.get(variable.dataId)?.id ?? 0);
  }

  /** The symbol of a handle that this trace has given. */
  symbolOfHandle(handle: number): number {
    return this.symbols.get(handle) as number;
  }

  /** A tensor of the traced program for a symbol of its graph. */
  tensorOf(symbol: number): tf.Tensor {
    return tensorOfHandle(this.describe(symbol));
  }

  /** The symbol of a tensor; a tensor from outside becomes a captured input. */
  symbolOf(tensor: TensorInfo): number {
    return this.symbolOfHandle(this.handleOf(tensor));
  }

  /** A symbol as tfjs sees it. */
  describe(symbol: number): Handle {
    const { dtype, shape } = this.graph.symbol(symbol);
    const handle = this.handles.get(symbol) ?? this.newHandle(symbol);
    return { id: handle, dtype, shape: [...shape] };
  }

  private newHandle(symbol: number): number {
    lastHandle -= 1;
    this.symbols.set(lastHandle, symbol);
    this.handles.set(symbol, lastHandle);
    return lastHandle;
  }

  /** The handle of a tensor's symbol. */
  handleOf(tensor: TensorInfo): number {
    const { tensorMap } = this.backend;
    const entry = tensorMap.has(tensor.dataId) ? tensorMap.get(tensor.dataId) : undefined; // get alone would throw
    if (!entry) throw new StateError(`a disposed tensor of shape [${tensor.shape}] is used in '${this.name}' (${sourceLine()})`);
    if (this.symbols.has(entry.id)) return entry.id;
    const source = this.sourceOf(tensor);
    if (!isCompilable(source)) {
      throw new UnsupportedError(
        `a tensor of dtype ${source.dtype} is used in '${this.name}' (${sourceLine()}): compiled functions take numbers`,
      );
    }
    const written = !(source instanceof tf.Variable) && this.written.has(source.dataId) ? entry.values : null;
    const key = written ? source.dataId : source;
    const known = this.handleOfSource.get(key);
    if (known !== undefined) return known;
    const handle = this.newHandle(written ? this.literal(tensor, entry, written) : this.capture(source, entry));
    this.handleOfSource.set(key, handle);
    return handle;
  }

  /** A tensor whose values the traced function wrote. */
  private literal(tensor: TensorInfo, { dtype, shape }: DataEntry, values: ArrayBufferView): number {
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
    if (id < -1) this.isOfParent = true;
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
    return this.symbols.has(handle) || (this.parent?.knows(handle) ?? false);
  }
}

/** Gives each variable data that nothing else has, for a gradient's saved copy tells by its data of what it is. No bytes are copied. */
function separateVariables(): void {
  const { tensorMap, binding } = backendInternals();
  for (const variable of Object.values(engineInternals().registeredVariables)) {
    const entry = isCompilable(variable) && tensorMap.has(variable.dataId) ? tensorMap.get(variable.dataId) : undefined;
    if (!entry || entry.refCount < 2) continue;
    for (const own of runOperation('Identity', [{ name: 'T', type: binding.TF_ATTR_TYPE, value: entry.dtype }], [variable], 1)) {
      variable.assign(own);
      own.dispose();
    }
  }
}
