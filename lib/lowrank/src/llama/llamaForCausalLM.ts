/** A LLaMA model with its output layer: logits, loss and generation. */
import { checkAlive, isLinearLayer, Module, type Projection } from '../nn';
import { ArgumentError, tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkWhole } from '../runtime/checks/checkWhole';
import { checkGiven } from '../runtime/checks/door';
import { buildModel, type LlamaParts } from './buildModel';
import { checkLabels, idTensor, maskTensor, segmentTensor, type TokenRows } from './checkInputs';
import { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from './config';
import { type LoadOptions, loadParameters } from './files/loadParameters';
import { openModelFiles } from './files/openModelFiles';
import { type SaveOptions, savePretrained } from './files/savePretrained';
import type { ForwardOptions, InputOptions, LossOptions } from './forwardOptions';
import { generate } from './generation/generate';
import type { GenerateOptions } from './generation/generateOptions';
import type { KeyValueCache } from './generation/growingCache';
import { givenParameters, makeParameters, randomParameters, type TensorSource } from './initialParameters';
import {
  checkAttentionsMemory,
  checkGivenModelMemory,
  checkPassMemory,
  checkRandomModelMemory,
  checkResizeMemory,
} from './memory/checkModelMemory';
import type { LlamaModel } from './model';
import { nextTokenLoss } from './nextTokenLoss';
import { resizedEnds } from './resizeTokens';

/** A causal language model of the LLaMA architecture. All parameters are trainable until frozen. */
export class LlamaForCausalLM extends Module {
  readonly model: LlamaModel;
  readonly lmHead: Projection;

  private settings: LlamaConfig;

  #nameOrPath: string | undefined;
  #isResized = false;

  private constructor(parts: LlamaParts, config: LlamaConfig) {
    super();
    checkGiven('LlamaForCausalLM.fromPretrained, fromConfig or fromTensors make a model', { parts }, { parts: '{model, lmHead}' });
    const { model, lmHead } = parts;
    this.settings = config;
    this.model = model;
    this.lmHead = lmHead;
  }

  /** The sizes and settings. `tieWordEmbeddings` is false once the output layer has its own weight, as after some merges. */
  get config(): LlamaConfig {
    const isUntied = this.settings.tieWordEmbeddings && isLinearLayer(this.lmHead);
    return isUntied ? Object.freeze({ ...this.settings, tieWordEmbeddings: false }) : this.settings;
  }

  /**
   * A model with random weights, initialized as in Hugging Face: normal with mean 0 and `initializerRange`, norms 1.
   *
   * @throws ArgumentError when the sizes of the configuration are inconsistent.
   */
  static fromConfig(options: LlamaConfigOptions, given: { readonly seed?: number } = {}): LlamaForCausalLM {
    checkKnown('fromConfig', given, ['seed']);
    const { seed = 0 } = given;
    const config = llamaConfig(options);
    checkRandomModelMemory(config);
    return new LlamaForCausalLM(buildModel(config, makeParameters(config, randomParameters(config, seed))), config);
  }

  /**
   * A model with the given weights, looked up by Hugging Face's names, kernels as (in, out). It takes ownership of the tensors.
   *
   * @param options - `dtype`: the storage type of matrices; 16-bit matrices are rounded on the device, and frozen
   * @throws FormatError when a tensor is missing; ShapeError when a shape differs from the configuration.
   */
  static fromTensors(config: LlamaConfigOptions, source: TensorSource, options: Pick<LoadOptions, 'dtype'> = {}): LlamaForCausalLM {
    checkKnown('LlamaForCausalLM.fromTensors', options, ['dtype']);
    const { dtype } = options;
    const checked = llamaConfig(config);
    checkGiven('LlamaForCausalLM.fromTensors(config, source)', { source }, { source: 'function' });
    checkGivenModelMemory(checked, dtype);
    return new LlamaForCausalLM(buildModel(checked, makeParameters(checked, givenParameters(source, dtype))), checked);
  }

  /**
   * The model in a GGUF file, or in a Hugging Face folder (`config.json` and `model.safetensors`, one file or several with
   * their index; without it, their names show whether all are there). A folder with one GGUF file is read too, and a folder of
   * the hub's cache by its main branch. Tensors stream from the disk, one at a time, and are stored as `dtype` and `quantize` require, by
   * default as 32-bit floats.
   *
   * @throws FormatError when a file is missing, cut off or malformed, or its tensors do not match its configuration;
   * UnsupportedError for an architecture or a format that this library does not read; AbortedError when `signal` stopped it.
   */
  static async fromPretrained(path: string, options: LoadOptions = {}): Promise<LlamaForCausalLM> {
    checkKnown('LlamaForCausalLM.fromPretrained', options, ['onProgress', 'signal', 'dtype', 'quantize']);
    const files = await openModelFiles(path);
    const model = new LlamaForCausalLM(buildModel(files.config, await loadParameters(files, options)), files.config);
    model.#nameOrPath = path;
    return model;
  }

  /** The path that {@link fromPretrained} was given; adapters saved on this model name it as their base. */
  get nameOrPath(): string | undefined {
    return this.#nameOrPath;
  }

  /** Whether {@link resizeTokenEmbeddings} changed the vocabulary; adapters saved on this model then hold its embedding too. */
  get isResized(): boolean {
    return this.#isResized;
  }

  /**
   * Writes the model into a folder that Hugging Face's transformers reads: `config.json`, `generation_config.json`, and
   * `model.safetensors`, or several files with their index if one would be larger than `maxShardSize`. A missing folder is
   * created; a model in the folder is replaced once the new one is complete on the disk.
   *
   * 16-bit weights are written in 16 bits; weights in fewer bits are written as 32-bit floats.
   *
   * @throws StateError when the model was disposed of, or has an adapter: unload or merge it first; StorageError when the disk refuses.
   */
  savePretrained(folder: string, options: SaveOptions = {}): void {
    checkKnown('savePretrained', options, ['maxShardSize', 'onProgress']);
    checkAlive(this);
    savePretrained(this, folder, options);
  }

  /**
   * Adds rows for new tokens, or removes the last rows: table and output layer, tied or not, get `vocabSize` rows.
   *
   * New rows are drawn from a normal distribution with the mean of the old rows and 10⁻⁹ of their covariance, as in transformers;
   * `seed` repeats them.
   *
   * @throws ArgumentError when `vocabSize` is not a whole number of at least 1; UnsupportedError when a table is packed, or has an
   * adapter. Nothing is changed then.
   */
  resizeTokenEmbeddings(vocabSize: number, options: { readonly seed?: number } = {}): void {
    checkKnown('resizeTokenEmbeddings', options, ['seed']);
    const { seed = 0 } = options;
    checkWhole('vocabSize', vocabSize);
    checkAlive(this);
    if (vocabSize === this.config.vocabSize) return;
    checkResizeMemory(this.config, vocabSize);
    const { embedTokens, lmHead } = resizedEnds({ embedTokens: this.model.embedTokens, lmHead: this.lmHead }, vocabSize, seed);
    this.replaceModule('model.embed_tokens', embedTokens);
    this.replaceModule('lm_head', lmHead);
    this.settings = Object.freeze({ ...this.config, vocabSize });
    this.#isResized = true;
  }

  /**
   * The logits of the token after each position.
   *
   * Shapes: inputIds (B, T) → (B, T, V), or (B, logitsToKeep, V).
   *
   * @throws ShapeError for empty or ragged ids or a mask of another shape; ArgumentError for an id outside the vocabulary
   * or more tokens than positions.
   */
  forward(inputIds: TokenRows, { logitsToKeep, ...options }: ForwardOptions = {}): tf.Tensor3D {
    checkKnown('forward', options, ['attentionMask', 'segmentIds', 'cache']);
    if (logitsToKeep !== undefined) checkWhole('logitsToKeep', logitsToKeep);
    return tf.tidy(() => {
      const ids = idTensor(inputIds, this.config);
      checkPassMemory(this.config, ids.shape, { logitsToKeep, cache: options.cache });
      const hidden = this.#hidden(ids, options);
      const T = hidden.shape[1] ?? 0;
      const kept = hidden.slice([0, T - Math.min(logitsToKeep ?? T, T), 0]);
      return this.lmHead.forward(kept) as tf.Tensor3D;
    });
  }

  /**
   * The mean cross-entropy of each label given the tokens before it. Labels are the ids themselves, unshifted, and −100 for
   * positions that are not learned; without any label the loss is 0.
   *
   * Shapes: inputIds, labels, attentionMask (B, T) → ().
   *
   * @throws as `forward`; ShapeError when labels and ids have different shapes; ArgumentError for a label that is neither
   * −100 nor in the vocabulary.
   */
  loss(inputIds: TokenRows, labels: TokenRows, { learnedPositions, ...options }: LossOptions = {}): tf.Scalar {
    checkKnown('loss', options, ['attentionMask', 'segmentIds']);
    return tf.tidy(() => {
      const ids = idTensor(inputIds, this.config);
      checkLabels(labels, ids, this.config);
      checkPassMemory(this.config, ids.shape);
      return nextTokenLoss(this.#hidden(ids, options), labels, this.lmHead, learnedPositions);
    });
  }

  /** Continues each row; see {@link generate}. Rows may differ in length. */
  async generate(inputIds: TokenRows, options: GenerateOptions = {}): Promise<number[][]> {
    const compilable = { llama: this, within: <T>(_: number, run: () => T) => run() };
    return generate({ config: this.config, forward: this.forward.bind(this), compilable }, inputIds, options);
  }

  /** The attention weights of every layer; each row sums to 1. The caller disposes of them. Shapes: (B, T) → (B, H, T, T) per layer. */
  attentions(inputIds: TokenRows, options: InputOptions = {}): tf.Tensor4D[] {
    checkKnown('attentions', options, ['attentionMask', 'segmentIds']);
    const kept: tf.Tensor4D[] = [];
    tf.tidy(() => {
      const onWeights = (weights: tf.Tensor4D) => kept.push(tf.keep(weights));
      const ids = idTensor(inputIds, this.config);
      checkAttentionsMemory(this.config, ids.shape);
      this.#hidden(ids, { ...options, onWeights });
    });
    return kept;
  }

  /** Shapes: ids (B, T) → (B, T, C). */
  #hidden(ids: tf.Tensor2D, options: HiddenOptions): tf.Tensor {
    checkAlive(this);
    const [B, T] = ids.shape;
    const { cache, onWeights } = options;
    const attentionMask = options.attentionMask && maskTensor(options.attentionMask, B, (cache?.length ?? 0) + T);
    const segmentIds = options.segmentIds && segmentTensor(options.segmentIds, ids);
    if (segmentIds && (attentionMask || cache)) {
      throw new ArgumentError('segmentIds take the place of attentionMask and do not go with a cache: leave these out');
    }
    return this.model.forward(ids, { attentionMask, segmentIds, cache, onWeights });
  }
}

interface HiddenOptions extends InputOptions {
  readonly cache?: KeyValueCache;
  readonly onWeights?: (weights: tf.Tensor4D) => void;
}
