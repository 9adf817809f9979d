/** The internals of tfjs and of the binding that the compiler uses, in one place. */
import { type NativeBinding, nodeBackend, type OpAttribute } from '../device/backend';
import { tf } from '../device/tensorflow';
import { typeName } from './graph/typeNumbers';

/** A value of TensorFlow, as the binding describes it. */
export interface Handle {
  readonly id: number;
  readonly dtype: number;
  readonly shape: number[];
}

/** An output of an operation of a graph; the shape is null, or has −1 in it, where TensorFlow cannot know it. */
interface SymbolInfo {
  readonly id: number;
  readonly dtype: number;
  readonly shape: readonly number[] | null;
}

/** A graph of our part of the binding; opaque here. */
export type NativeGraph = object;

/** The functions of the binding that make and run things; the graph functions are this library's addition (setup/binding/graph/graph.cc). */
export interface GraphBinding extends NativeBinding {
  readonly TF_BFLOAT16: number;
  readonly TF_ATTR_TENSOR: number;
  readonly TF_ATTR_FUNC: number;
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  executeOp(op: string, attributes: readonly OpAttribute[], inputs: readonly number[], outputs: number): Handle[];
  graphNew(): NativeGraph;
  graphAdd(
    graph: NativeGraph,
    type: string,
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly (number | readonly number[])[],
  ): SymbolInfo[];
  graphSetShape(graph: NativeGraph, id: number, shape: readonly number[]): void;
  graphDefineFunction(
    graph: NativeGraph,
    name: string,
    operations: readonly string[],
    inputs: readonly number[],
    outputs: readonly number[],
    marks: readonly string[],
  ): void;
  graphDelete(graph: NativeGraph): void;
  functionRemove(name: string): void;
  xlaCompilations(): number;
  xlaCanCompile(type: string): boolean;
  /** Missing in tfjs's own binding. */
  xlaHasKernels?(): boolean;
}

/** The backend's record of one piece of data: values not yet sent to TensorFlow, or the id of a handle. */
export interface DataEntry {
  readonly shape: number[];
  readonly dtype: number;
  id: number;
  values: ArrayBufferView | null;
  refCount: number;
}

/** A tensor as kernels get it. */
export interface TensorInfo {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
}

/** tfjs-node's backend, with what tracing replaces for a while. */
interface BackendInternals {
  binding: GraphBinding;
  readonly tensorMap: {
    get(dataId: object): DataEntry | undefined;
    has(dataId: object): boolean;
    set(dataId: object, entry: DataEntry): void;
  };
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  readSync(dataId: object): unknown;
  write(values: unknown, shape: readonly number[], dtype: tf.DataType): object;
  disposeData(dataId: object): boolean;
  incRef(dataId: object): void;
}

/** One operation as tfjs has recorded it for the backward pass. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Record<string, tf.Tensor>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved: readonly tf.Tensor[];
  /** Takes the gradients of the outputs; absent if the operation has none. */
  readonly gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The part of the engine's state that says what is being recorded. */
interface RecordingState {
  gradientDepth: number;
  kernelDepth: number;
  activeTape: TapeNode[] | null | undefined;
}

/** One call as tfjs records it for the backward pass. */
interface RecordedCall {
  readonly inputs: Record<string, tf.Tensor>;
  forwardFunc(backend: unknown, save: (tensors: tf.Tensor[]) => void): tf.Tensor[];
  backwardsFunc(dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]): Record<string, () => tf.Tensor>;
}

/** tfjs's engine, as far as the compiler uses it. */
interface EngineInternals {
  readonly state: RecordingState;
  readonly registeredVariables: Record<string, tf.Variable>;
  nextTensorId(): number;
  makeTensorFromTensorInfo(info: TensorInfo): tf.Tensor;
  startScope(name?: string): void;
  endScope(): void;
  startTape(): void;
  endTape(): void;
  runKernelFunc(call: RecordedCall): tf.Tensor[];
  gradients(f: () => tf.Tensor, xs: tf.Tensor[], dy?: tf.Tensor, allowNoGradients?: boolean): { value: tf.Tensor; grads: tf.Tensor[] };
}

export function backendInternals(): BackendInternals {
  return nodeBackend() as unknown as BackendInternals;
}

export function engineInternals(): EngineInternals {
  return tf.engine() as unknown as EngineInternals;
}

/** Runs an operation by TensorFlow's name, or adds it to the trace; the tensors may have types that tfjs does not name. */
export function runOperation(
  type: string,
  attributes: readonly OpAttribute[],
  inputs: readonly TensorInfo[],
  outputs: number,
): tf.Tensor[] {
  const backend = backendInternals();
  return backend.binding.executeOp(type, attributes, backend.getInputTensorIds(inputs), outputs).map(tensorOfHandle);
}

/**
 * A tensor of tfjs for a value of TensorFlow. Types that tfjs does not know, such as bfloat16, are called float32: such a tensor can be
 * kept and passed to operations that accept it, but not read.
 */
export function tensorOfHandle({ id, dtype, shape }: Handle): tf.Tensor {
  const dataId = {};
  backendInternals().tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
  const name = typeName(dtype);
  const known = name === 'int32' || name === 'bool' ? name : 'float32';
  return engineInternals().makeTensorFromTensorInfo({ dataId, shape, dtype: known });
}

/** Whether operations are being recorded for a gradient. */
export function isRecording(): boolean {
  const { gradientDepth, kernelDepth } = engineInternals().state;
  return gradientDepth > 0 && kernelDepth === 0;
}

/** Whether the binding has this library's addition; tfjs's own binding does not. */
export function canBuildGraphs(): boolean {
  return typeof backendInternals().binding.graphNew === 'function';
}

/** The place of the present call in the user's code or in a layer: the first frame outside tfjs and the compiler. */
export function sourceLine(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const frame = frames.find((line) => !/node_modules|(src|dist)[\\/]runtime[\\/]compile[\\/]|node:internal|<anonymous>\)?$/.test(line));
  return frame?.replace(/^\s*at /, '').trim() ?? 'an unknown place';
}
