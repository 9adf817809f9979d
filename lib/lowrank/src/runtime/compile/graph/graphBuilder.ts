/** Builds a TensorFlow graph: operations, constants, calls, and functions made of them. */
import type { OpAttribute } from '../../device/backend';
import { UnsupportedError } from '../../errors';
import { SETUP_REMEDY, SetupError } from '../../setupError';
import { sizeOf } from '../../sizeOf';
import { type GraphBinding, type NativeGraph, sourceLine } from '../tfjsInternals';

/** One operation of the graph; symbols are the outputs of operations, counted through the graph. */
export interface Operation {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attributes: readonly OpAttribute[];
  /** The function that it calls, if any. */
  readonly calls?: string;
}

/** Dtype and shape of a symbol. Both are known: an operation whose result TensorFlow cannot infer is refused. */
export interface KnownSymbol {
  readonly dtype: number;
  readonly shape: readonly number[];
  /** The operation that it is an output of. */
  readonly operation: number;
}

export type SymbolType = Pick<KnownSymbol, 'dtype' | 'shape'>;

/** The attribute that makes TensorFlow compile a function, or one call of it, with XLA. */
export const MUST_COMPILE = '_XlaMustCompile';

/**
 * A `ConfigProto` of TensorFlow, `graph_options.rewrite_options.disable_meta_optimizer`: Grappler leaves the called function as it is. What it changes in
 * these graphs makes no step faster, and takes 15 to 30 % of the first one (the shape of SmolLM2-135M, two cores: LoRA, DoRA, prefix, checkpointing).
 */
const AS_IT_IS = Uint8Array.of(0x52, 5, 0x52, 3, 0x98, 1, 1);

/** The inputs of an operation that TensorFlow takes as one list. */
const LIST_INPUTS: Readonly<Record<string, 'all' | 'all but the last'>> = {
  AddN: 'all',
  ConcatV2: 'all but the last',
  Einsum: 'all',
  Pack: 'all',
  PartitionedCall: 'all',
  XlaCallModule: 'all',
};

/** Constants with more elements, all equal, become a Fill. */
const FILL_FROM = 16;

export class GraphBuilder {
  readonly operations: Operation[] = [];
  readonly symbols: KnownSymbol[] = [];
  /** The first operation that XLA cannot compile, and where it comes from. */
  beyondXla: string | undefined;
  private readonly graph: NativeGraph;
  private readonly constants = new Map<string, number>();

  constructor(private readonly binding: GraphBinding) {
    this.graph = binding.graphNew();
  }

  /** An input that a call will feed. */
  placeholder(dtype: number, shape: readonly number[]): number {
    const { binding } = this;
    return this.single('Placeholder', [
      { name: 'dtype', type: binding.TF_ATTR_TYPE, value: dtype },
      { name: 'shape', type: binding.TF_ATTR_SHAPE, value: shape },
    ]);
  }

  /** A constant; equal constants share one operation. */
  constant(dtype: number, shape: readonly number[], data: Uint8Array): number {
    const key = `${dtype} ${shape} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const { binding } = this;
    const symbol = this.single('Const', [
      { name: 'dtype', type: binding.TF_ATTR_TYPE, value: dtype },
      { name: 'value', type: binding.TF_ATTR_TENSOR, value: { dtype, shape, data: new Uint8Array(data) } },
    ]);
    this.constants.set(key, symbol);
    return symbol;
  }

  /** A tensor with the same value everywhere, made at run time. */
  fill(dtype: number, shape: readonly number[], value: Uint8Array): number {
    const size = sizeOf(shape);
    if (size <= 1) return this.constant(dtype, shape, value.subarray(0, value.length * size));
    const dimensions = this.constant(this.binding.TF_INT32, [shape.length], new Uint8Array(Int32Array.from(shape).buffer));
    return this.single('Fill', [], [dimensions, this.constant(dtype, [], value)]);
  }

  /** Values written in JavaScript, if they are few or all the same. */
  literal(dtype: number, shape: readonly number[], values: ArrayBufferView, maxBytes: number): number | undefined {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const elements = values as Float32Array | Int32Array | Uint8Array;
    if (elements.length >= FILL_FROM && isUniform(elements)) return this.fill(dtype, shape, bytes.slice(0, elements.BYTES_PER_ELEMENT));
    return bytes.length <= maxBytes ? this.constant(dtype, shape, bytes) : undefined;
  }

  /**
   * Calls a function of the context.
   *
   * @throws SetupError when the native binding is older than this library, and so takes no bytes for an attribute.
   */
  call(name: string, inputs: readonly number[], outputs: readonly SymbolType[], mustCompile: boolean): readonly number[] {
    const { binding } = this;
    const types = (list: readonly SymbolType[]) => list.map(({ dtype }) => dtype);
    const attributes = [
      { name: 'Tin', type: binding.TF_ATTR_TYPE, value: types(inputs.map((input) => this.symbol(input))) },
      { name: 'Tout', type: binding.TF_ATTR_TYPE, value: types(outputs) },
      { name: 'f', type: binding.TF_ATTR_FUNC, value: name },
      { name: 'config_proto', type: binding.TF_ATTR_STRING, value: AS_IT_IS },
      ...(mustCompile ? [{ name: MUST_COMPILE, type: binding.TF_ATTR_BOOL, value: true }] : []),
    ];
    try {
      return this.operation('PartitionedCall', attributes, inputs, { name, outputs });
    } catch (cause) {
      if (!(cause instanceof Error && cause.message === 'expected a string')) throw cause;
      throw new SetupError(`the native binding was built for an older version of this library. ${SETUP_REMEDY}`, { cause });
    }
  }

  /** The same value as an operation of its own: a function's result can be neither its input nor another result. */
  identity(symbol: number): number {
    return this.single('Identity', [], [symbol]);
  }

  /**
   * Walks from `outputs` back through their inputs, up to the symbols where `isEnd` is true.
   *
   * @returns the operations passed, in order, and the ends reached
   */
  walk(outputs: readonly number[], isEnd: (symbol: number) => boolean): { operations: Operation[]; ends: number[] } {
    const passed = new Set<number>();
    const ends = new Set<number>();
    const open = [...outputs];
    for (let symbol = open.pop(); symbol !== undefined; symbol = open.pop()) {
      if (isEnd(symbol)) {
        ends.add(symbol);
        continue;
      }
      const index = this.symbol(symbol).operation;
      if (passed.has(index)) continue;
      passed.add(index);
      open.push(...this.operationOf(symbol).inputs);
    }
    const ordered = [...passed].sort((a, b) => a - b).map((index) => this.operations[index] as Operation);
    return { operations: ordered, ends: [...ends].sort((a, b) => a - b) };
  }

  /** The operations between `inputs` and `outputs`, in order. */
  between(inputs: readonly number[], outputs: readonly number[]): readonly Operation[] {
    const given = new Set(inputs);
    return this.walk(outputs, (symbol) => given.has(symbol)).operations;
  }

  /** Turns operations into a function of the context. */
  define(
    name: string,
    operations: readonly Operation[],
    inputs: readonly number[],
    outputs: readonly number[],
    marks: readonly string[],
  ): void {
    const names = operations.map((operation) => operation.name);
    this.binding.graphDefineFunction(this.graph, name, names, inputs, outputs, marks);
  }

  /** Frees the graph; its functions live on. */
  delete(): void {
    this.binding.graphDelete(this.graph);
  }

  symbol(id: number): KnownSymbol {
    return this.symbols[id] as KnownSymbol;
  }

  operationOf(symbol: number): Operation {
    return this.operations[this.symbol(symbol).operation] as Operation;
  }

  /** Adds an operation with one output. */
  single(type: string, attributes: readonly OpAttribute[], inputs: readonly number[] = []): number {
    return this.operation(type, attributes, inputs)[0] as number;
  }

  /** The same values in another dtype. */
  cast(symbol: number, dtype: number): number {
    return this.single('Cast', [{ name: 'DstT', type: this.binding.TF_ATTR_TYPE, value: dtype }], [symbol]);
  }

  /**
   * Adds an operation.
   *
   * @param called - the function that it calls, whose outputs TensorFlow does not infer
   */
  operation(
    type: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    called?: { readonly name: string; readonly outputs: readonly SymbolType[] },
  ): readonly number[] {
    if (!this.beyondXla && !isKnownToXla(type, this.binding)) this.beyondXla = `${type} (${sourceLine()})`;
    const name = `n${this.operations.length}_${type.replace(/\W/g, '')}`;
    const added = this.binding.graphAdd(this.graph, type, name, attributes, grouped(type, inputs));
    const operation = this.operations.length;
    this.operations.push({ name, type, inputs, outputs: added.map(({ id }) => id), attributes, ...(called && { calls: called.name }) });
    for (const [index, { id, dtype, shape: inferred }] of added.entries()) {
      const shape = called?.outputs[index]?.shape ?? inferred;
      if (!shape || shape.some((dimension) => dimension < 0)) {
        throw new UnsupportedError(`the shape of ${type}'s result depends on data (${sourceLine()}): a compiled function needs to know it`);
      }
      if (called) this.binding.graphSetShape(this.graph, id, shape);
      this.symbols[id] = { dtype, shape, operation };
    }
    return added.map(({ id }) => id);
  }
}

const knownToXla = new Map<string, boolean>();

function isKnownToXla(type: string, binding: GraphBinding): boolean {
  const known = knownToXla.get(type) ?? (type === 'Placeholder' || binding.xlaCanCompile(type));
  knownToXla.set(type, known);
  return known;
}

function grouped(type: string, inputs: readonly number[]): readonly (number | readonly number[])[] {
  const lists = LIST_INPUTS[type];
  if (!lists) return inputs;
  return lists === 'all' ? [inputs] : [inputs.slice(0, -1), ...inputs.slice(-1)];
}

function isUniform(values: Float32Array | Int32Array | Uint8Array): boolean {
  const [first] = values;
  for (const value of values) if (!Object.is(value, first)) return false;
  return true;
}
