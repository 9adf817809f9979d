/**
 * Plans the memory of a model's work before it begins.
 *
 * The plan is counted from the shapes: the tensors that the backward pass saves, and those that exist at the peak. The factors of
 * TensorFlow's own overhead are measured; tests/memory compares the plans with the peaks of real processes.
 */
import { deviceInfo, type MemoryPlan, type MemoryTerm, memoryPlan, type tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { hasBfloat16Products } from '../runtime/device/bfloat16Support';
import { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from './config';
import { cacheCapacity } from './generation/cacheCapacity';
import { modelBytes, readingBytes, type StoredAs } from './modelBytes';

/** The work to plan. */
export interface MemoryPlanOptions extends StoredAs {
  /** The task: `load` a model, one `forward` pass with its logits, `generate`, or `train`. */
  readonly task: 'load' | 'forward' | 'generate' | 'train';
  /** Batch size B. @defaultValue 1 */
  readonly batchSize?: number;
  /** Tokens T of a batch or a prompt. @defaultValue 512, or the model's maximum if that is less */
  readonly sequenceLength?: number;
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

/** A process with TensorFlow before any model; on a GPU, including CUDA. */
const PROGRAM = 425e6;
/** Tracing, graphs and compilers. */
const COMPILED = 200e6;
const EAGER = 50e6;

/** Logits go through a compiled, frozen head in chunks of so many (`lmHeadLoss`). */
const CHUNK_LOGITS = 2 ** 23;

/**
 * The peak memory of a task in bytes, for the whole process with its weights.
 *
 * @param model - a model, or the configuration of a model that does not exist yet
 * @throws ArgumentError when the sizes of the configuration are inconsistent.
 *
 * @example
 * planMemory(model, { task: 'train', batchSize: 4, sequenceLength: 512 }).bytes
 */
export function planMemory(model: PlannedModel | LlamaConfigOptions, options: MemoryPlanOptions): MemoryPlan {
  checkKnown('planMemory', options, PLAN_OPTIONS);
  const isModel = 'namedParameters' in model;
  const config = isModel ? model.config : llamaConfig(model);
  const weights = { name: 'weights', bytes: isModel ? heldBytes(model.namedParameters()) : modelBytes(config, options) };
  const program = { name: 'TensorFlow itself', bytes: PROGRAM };
  const loaded = memoryPlan([program, ...(isModel ? [weights] : loadingPlan(config, options).terms)]);
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
  const own = { name: 'compiled functions', bytes: work.isCompiled ? COMPILED : EAGER };
  if (options.task === 'forward') return memoryPlan([own, ...passTerms(work), maskTerm(work), logitsTerm(work)]);
  if (options.task === 'generate') return memoryPlan([own, ...passTerms(work), maskTerm(work), cacheTerm(work)]);
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

/** All inputs of the terms. */
interface Work {
  readonly config: LlamaConfig;
  readonly B: number;
  readonly T: number;
  readonly kept: number;
  readonly maxNewTokens: number;
  readonly isCompiled: boolean;
  readonly isHalf: boolean;
  readonly isGpu: boolean;
  readonly isRecomputed: boolean;
  /** Layers in the backward pass. */
  readonly layers: number;
  /** Bytes of the trained parameters. */
  readonly trained: number;
  readonly largestTrained: number;
  /** Values in the largest packed matrix. */
  readonly largestPacked: number;
  readonly isHeadTrained: boolean;
}

function described(model: PlannedModel | LlamaConfigOptions, options: MemoryPlanOptions): Work {
  const isModel = 'namedParameters' in model;
  const config = isModel ? model.config : llamaConfig(model);
  const { vocabSize: V, hiddenSize: C } = config;
  const T = options.sequenceLength ?? Math.min(512, config.maxPositionEmbeddings);
  const isGpu = (options.device ?? deviceInfo().device) === 'GPU';
  const isPacked = isModel ? Array.from(model.namedParameters()).some(([name]) => name.endsWith('.words')) : isStoredPacked(options);
  const compile = options.compile ?? true;
  return {
    config,
    B: (options.batchSize ?? 1) * (options.task === 'generate' ? (options.numBeams ?? 1) : 1),
    T,
    kept: Math.min(options.logitsToKeep ?? T, T),
    maxNewTokens: options.maxNewTokens ?? 20,
    isCompiled: compile && options.task !== 'forward',
    isHalf: compile && options.precision === 'bfloat16' && (isGpu || hasBfloat16Products()),
    isGpu,
    isRecomputed: compile && (options.gradientCheckpointing ?? isCheckpointed(model)),
    largestPacked: isPacked ? V * C : 0,
    ...(isModel && options.task === 'train' ? trainedOf(model) : trainedAsGiven(config, options)),
  };
}

/** Finds the setting on the layers, below the head and the adapters. */
function isCheckpointed(model: unknown): boolean {
  if (typeof model !== 'object' || model === null) return false;
  return Reflect.get(model, 'gradientCheckpointing') === true || isCheckpointed(Reflect.get(model, 'model'));
}

function isStoredPacked({ dtype, quantize }: StoredAs): boolean {
  return dtype === 'bfloat16' || quantize !== undefined;
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

/** Scores and the widest states of one layer at a time: before, during and after the softmax. */
function passTerms({ config, B, T, isCompiled }: Work): MemoryTerm[] {
  const { hiddenSize: C, intermediateSize: F, numAttentionHeads: H } = config;
  const copies = isCompiled ? 2 : 3.5;
  return [
    { name: 'attention scores', bytes: 4 * copies * B * H * T * T },
    { name: 'activations', bytes: 4 * B * T * (8 * C + 2 * F) },
  ];
}

/** The causal mask, and its combination with the padding mask. */
function maskTerm({ T }: Work): MemoryTerm {
  return { name: 'attention mask', bytes: 2 * 4 * T * T };
}

function logitsTerm({ config, B, kept }: Work): MemoryTerm {
  return { name: 'logits', bytes: 4 * B * kept * config.vocabSize };
}

/** A compiled step holds both the old cache and the new one. */
function cacheTerm({ config, B, T, maxNewTokens, isCompiled }: Work): MemoryTerm {
  const { numKeyValueHeads: K, headDim: D, numHiddenLayers: L } = config;
  const places = isCompiled ? 2 * cacheCapacity(T, maxNewTokens) : T + maxNewTokens;
  return { name: 'key and value cache', bytes: 4 * 2 * B * K * D * L * places };
}

/** Values saved from the forward pass for the backward pass. */
function activationTerm(work: Work): MemoryTerm {
  const { config, B, T, isCompiled, isRecomputed, layers } = work;
  const tokens = B * T;
  if (isRecomputed) return { name: 'activations', bytes: tokens * (4 * config.hiddenSize * layers + 1.5 * keptPerToken(work)) };
  return { name: isCompiled ? 'activations' : 'activations (not compiled)', bytes: tokens * layers * keptPerToken(work) };
}

/** Bytes per token and layer. */
function keptPerToken({ config, B, T, isCompiled, isHalf, isGpu, isHeadTrained }: Work): number {
  const { hiddenSize: C, intermediateSize: F, numAttentionHeads: H, numKeyValueHeads: K, headDim: D } = config;
  if (!isCompiled) return 4 * (35 * C + 6 * F + 2 * H * T);
  const states = (isHeadTrained ? 3 : 2) * C; // the inputs of the layer and its MLP, and those of trained projections
  const products = H * D + 2 * K * D + 2 * F;
  const isBlockwise = B * H * T * T > (isGpu ? 2 ** 26 : 2 ** 24);
  const weights = (isGpu && isHalf) || isBlockwise ? 0 : (T >= 64 ? 0.625 : 1) * H * T; // causal blocks skip the rest
  return 4 * states + (isHalf ? 2 : 4) * (products + weights);
}

/** Logits, their softmax and its gradient. */
function trainedLogitsTerm({ config, B, T, isCompiled, isHeadTrained }: Work): MemoryTerm {
  const all = B * T * config.vocabSize;
  const isChunked = isCompiled && !isHeadTrained;
  return { name: 'logits', bytes: 4 * (isCompiled ? 3 : 4) * (isChunked ? Math.min(all, Math.max(CHUNK_LOGITS, config.vocabSize)) : all) };
}

/** A packed matrix unpacked for its product, and the next one. */
function unpackedTerm({ largestPacked, isGpu, isHalf }: Work): MemoryTerm {
  return { name: 'unpacked weights', bytes: isGpu && isHalf ? 0 : 2 * 4 * largestPacked };
}

/** New values of parameters and moments, and intermediate values of the largest; uncompiled, intermediate values of all. */
function updateTerm({ trained, largestTrained, isCompiled }: Work): MemoryTerm {
  return { name: 'the update', bytes: isCompiled ? 3 * trained + 7 * largestTrained : 16 * trained };
}

function heldBytes(parameters: Iterable<readonly [string, tf.Variable]>): number {
  return sum(Array.from(new Set(Array.from(parameters, ([, variable]) => variable)), ({ size }) => 4 * size));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
