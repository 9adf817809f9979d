/**
 * Plans the memory of a model's work before it begins.
 *
 * The plan is counted from the shapes: the tensors that the backward pass saves, and those that exist at the peak. The factors of
 * TensorFlow's own overhead are measured; tests/memory compares the plans with the peaks of real processes.
 */
import { ArgumentError, deviceInfo, type MemoryPlan, memoryPlan, type tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { hasBfloat16Products } from '../../runtime/device/bfloat16Support';
import { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from '../config';
import {
  activationTerm,
  cacheTerm,
  givenCacheTerm,
  kernelsTerm,
  logitsTerm,
  maskTerm,
  scoresTerm,
  statesTerm,
  trainedLogitsTerm,
  unpackedTerm,
  updateTerm,
  type Work,
} from './memoryTerms';
import { modelBytes, readingBytes, type StoredAs } from './modelBytes';

const TASKS = ['load', 'forward', 'generate', 'evaluate', 'train'] as const;

/** The work to plan. */
export interface MemoryPlanOptions extends StoredAs {
  /** The task: `load` a model, one `forward` pass with its logits, `generate`, `evaluate` the loss of a batch, or `train`. */
  readonly task: (typeof TASKS)[number];
  /** Batch size B. @defaultValue 1 */
  readonly batchSize?: number;
  /** Tokens T of a batch or a prompt. @defaultValue 512, or the model's maximum if that is less */
  readonly sequenceLength?: number;
  /** Tokens in the cache that a forward pass is given, 0 for an empty one. @defaultValue no cache */
  readonly pastTokens?: number;
  /** Logits per row in a forward pass. @defaultValue all */
  readonly logitsToKeep?: number;
  /** @defaultValue 20 */
  readonly maxNewTokens?: number;
  /** @defaultValue 1 */
  readonly numBeams?: number;
  /** Number of trained parameters, when planning from a configuration; a model knows its own. @defaultValue all of them */
  readonly trainableParameters?: number;
  /** The first layer with a trained parameter, when planning from a configuration. @defaultValue 0 */
  readonly firstTrainedLayer?: number;
  /** @defaultValue true */
  readonly compile?: boolean;
  /** @defaultValue 'float32' */
  readonly precision?: 'float32' | 'bfloat16';
  /** @defaultValue the model's own setting, or false */
  readonly gradientCheckpointing?: boolean;
  /** @defaultValue the current one */
  readonly device?: 'CPU' | 'GPU';
}

/** A model with a LLaMA's configuration: a LlamaForCausalLM, with or without adapters. */
export interface PlannedModel {
  readonly config: LlamaConfig;
  /** The parameters by name; the plan counts their bytes. */
  namedParameters(): Iterable<readonly [string, tf.Variable]>;
  /** The trainable parameters. */
  trainableParameters(): Iterable<readonly [string, tf.Variable]>;
}

const PLAN_OPTIONS = [
  'task',
  'batchSize',
  'sequenceLength',
  'pastTokens',
  'logitsToKeep',
  'maxNewTokens',
  'numBeams',
  'trainableParameters',
  'firstTrainedLayer',
  'compile',
  'precision',
  'gradientCheckpointing',
  'device',
  'dtype',
  'quantize',
] as const;

/** The options that count something, with the least. */
const COUNTS = [
  ['batchSize', 1],
  ['sequenceLength', 1],
  ['pastTokens', 0],
  ['logitsToKeep', 1],
  ['maxNewTokens', 0],
  ['numBeams', 1],
  ['trainableParameters', 0],
  ['firstTrainedLayer', 0],
] as const;

/** A process with TensorFlow before any model; on a GPU, including CUDA. */
const PROGRAM = 425e6;
/** Tracing, graphs and compilers. On a CPU a loss of a small model takes little more of it than its weights. */
const COMPILED = 200e6;
const COMPILED_LOSS = 80e6;
const EAGER = 50e6;

/**
 * The peak memory of a task in bytes, for the whole process with its weights.
 *
 * @param model - a model, or the configuration of a model that does not exist yet
 * @throws ArgumentError when the sizes of the configuration are inconsistent, or an option is out of range.
 *
 * @example
 * planMemory(model, { task: 'train', batchSize: 4, sequenceLength: 512 }).bytes
 */
export function planMemory(model: PlannedModel | LlamaConfigOptions, options: MemoryPlanOptions): MemoryPlan {
  checkKnown('planMemory', options, PLAN_OPTIONS);
  checkOneOf('task', options.task, TASKS);
  for (const [name, least] of COUNTS) if (options[name] !== undefined) checkWhole(`planMemory: ${name}`, options[name], least);
  const isModel = 'namedParameters' in model;
  const config = isModel ? model.config : llamaConfig(model);
  const { firstTrainedLayer: first = 0 } = options;
  if (first > config.numHiddenLayers)
    throw new ArgumentError(`planMemory: firstTrainedLayer ${first} is above the model's ${config.numHiddenLayers} layers`);
  const weights = { name: 'weights', bytes: isModel ? heldBytes(model.namedParameters()) : modelBytes(config, options) };
  const program = { name: 'TensorFlow itself', bytes: PROGRAM };
  const reads = !isModel && !isOnGpu(options); // into the host's memory
  const loaded = memoryPlan([program, ...(reads ? loadingPlan(config, options).terms : [weights])]);
  if (options.task === 'load') return loaded;
  return largerOf(loaded, memoryPlan([program, weights, ...workPlan(model, options).terms]));
}

/** The memory for a model's weights, beyond what the process already uses. */
export function loadingPlan(config: LlamaConfig, stored: StoredAs): MemoryPlan {
  return memoryPlan([
    { name: 'weights', bytes: modelBytes(config, stored) },
    { name: 'reading the largest tensor', bytes: readingBytes(config, stored) },
  ]);
}

/** The memory for a task beyond the weights and the process. */
export function workPlan(model: PlannedModel | LlamaConfigOptions, options: MemoryPlanOptions): MemoryPlan {
  const work = described(model, options);
  const isLossOnCpu = !work.isGpu && options.task !== 'generate';
  const compiled = isLossOnCpu ? Math.min(COMPILED, COMPILED_LOSS + modelBytes(work.config, {})) : COMPILED;
  const own = { name: 'compiled functions', bytes: work.isCompiled ? compiled : EAGER };
  // A compiled loss holds no attention scores.
  if (options.task === 'evaluate' && work.isCompiled) {
    return memoryPlan([own, statesTerm(work), maskTerm(work), logitsTerm(work), unpackedTerm(work)]);
  }
  const pass = [own, scoresTerm(work), statesTerm(work), maskTerm(work)];
  const given = work.past === undefined ? [] : [givenCacheTerm(work)];
  if (options.task === 'forward' || options.task === 'evaluate') return memoryPlan([...pass, ...given, logitsTerm(work)]);
  if (options.task === 'generate') {
    const unpacked = work.isGpu && work.isCompiled ? [unpackedTerm(work)] : []; // a CPU's kernels read packed weights
    return memoryPlan([...pass, cacheTerm(work), kernelsTerm(work), ...unpacked]);
  }
  const optimizer = [
    { name: 'gradients', bytes: work.trained },
    { name: 'optimizer moments', bytes: 2 * work.trained },
  ];
  const backward = memoryPlan([own, ...optimizer, activationTerm(work), maskTerm(work), trainedLogitsTerm(work), unpackedTerm(work)]);
  return largerOf(backward, memoryPlan([own, ...optimizer, updateTerm(work)]));
}

function largerOf(a: MemoryPlan, b: MemoryPlan): MemoryPlan {
  return a.bytes >= b.bytes ? a : b;
}

function described(model: PlannedModel | LlamaConfigOptions, options: MemoryPlanOptions): Work {
  const isModel = 'namedParameters' in model;
  const config = isModel ? model.config : llamaConfig(model);
  const T = options.sequenceLength ?? Math.min(512, config.maxPositionEmbeddings);
  const isGpu = isOnGpu(options);
  const compile = options.compile ?? true;
  return {
    config,
    B: (options.batchSize ?? 1) * (options.task === 'generate' ? (options.numBeams ?? 1) : 1),
    T,
    kept: Math.min(options.logitsToKeep ?? T, T),
    past: options.task === 'forward' ? options.pastTokens : undefined,
    maxNewTokens: options.maxNewTokens ?? 20,
    isCompiled: compile && options.task !== 'forward',
    isHalf: compile && options.precision === 'bfloat16' && (isGpu || hasBfloat16Products()),
    isGpu,
    isRecomputed: compile && (options.gradientCheckpointing ?? isCheckpointed(model)),
    largestPacked: largestPacked(config, isModel ? packedIn(model) : packedAsGiven(options)),
    ...(isModel && options.task === 'train' ? trainedOf(model) : trainedAsGiven(config, options)),
  };
}

/** Finds the setting on the layers, below the head and the adapters. */
function isCheckpointed(model: unknown): boolean {
  if (typeof model !== 'object' || model === null) return false;
  const inner: unknown = Reflect.get(model, 'model');
  if (inner === undefined) return Reflect.get(model, 'gradientCheckpointing') === true;
  if ('gradientCheckpointing' in model)
    throw new ArgumentError(
      'gradientCheckpointing is a field of the LlamaModel inside, and does nothing here: set base.model.gradientCheckpointing of the LlamaForCausalLM',
    );
  return isCheckpointed(inner);
}

function isOnGpu({ device }: MemoryPlanOptions): boolean {
  return (device ?? deviceInfo().device) === 'GPU';
}

/** Which matrices are packed: of the layers alone, or of the ends too. */
type Packed = 'none' | 'layers' | 'ends';

function packedIn(model: PlannedModel): Packed {
  const packed = Array.from(model.namedParameters(), ([name]) => name).filter((name) => name.endsWith('.words'));
  if (packed.length === 0) return 'none';
  return packed.every((name) => name.includes('layers.')) ? 'layers' : 'ends';
}

function packedAsGiven({ dtype, quantize }: StoredAs): Packed {
  if (dtype === 'bfloat16' || quantize === 'q4_1') return 'ends';
  return quantize ? 'layers' : 'none';
}

/** Values of the largest packed matrix. */
function largestPacked({ vocabSize, hiddenSize, intermediateSize }: LlamaConfig, packed: Packed): number {
  if (packed === 'none') return 0;
  return hiddenSize * (packed === 'ends' ? Math.max(vocabSize, intermediateSize) : intermediateSize);
}

type Trained = Pick<Work, 'layers' | 'trained' | 'largestTrained' | 'isHeadTrained'>;

function trainedOf(model: PlannedModel): Trained {
  const { numHiddenLayers, vocabSize } = model.config;
  const trained = new Map(Array.from(model.trainableParameters(), ([name, variable]) => [variable, name]));
  const layerOf = (name: string) => Number(/\blayers\.(\d+)\./.exec(name)?.[1] ?? (/embed/.test(name) ? 0 : numHiddenLayers));
  const first = Math.min(numHiddenLayers, ...Array.from(trained.values(), layerOf));
  const sizes = Array.from(trained.keys(), ({ size }) => 4 * size);
  return {
    layers: numHiddenLayers - first,
    trained: sum(sizes),
    largestTrained: Math.max(0, ...sizes),
    isHeadTrained: [...trained.keys()].some(({ shape }) => shape.length === 2 && shape.includes(vocabSize)),
  };
}

function trainedAsGiven(config: LlamaConfig, { trainableParameters, firstTrainedLayer = 0 }: MemoryPlanOptions): Trained {
  const all = modelBytes(config, {}) / 4;
  const count = trainableParameters ?? all;
  const largest = Math.max(config.vocabSize, config.intermediateSize) * config.hiddenSize;
  return {
    layers: config.numHiddenLayers - firstTrainedLayer,
    trained: 4 * count,
    largestTrained: 4 * Math.min(count, largest),
    isHeadTrained: count >= all,
  };
}

function heldBytes(parameters: Iterable<readonly [string, tf.Variable]>): number {
  return sum(Array.from(new Set(Array.from(parameters, ([, variable]) => variable)), ({ size }) => 4 * size));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
