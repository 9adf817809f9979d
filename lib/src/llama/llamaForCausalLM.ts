/** A LLaMA model with its output layer: logits, loss and generation. */
import { Module, type Projection } from '../nn';
import { StateError, tf } from '../runtime';
import { buildLlama, type LlamaParts } from './build';
import { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from './config';
import { type GenerateOptions, generate } from './generate';
import { checkLabels, idTensor, maskTensor, type Rows } from './inputs';
import type { KeyValueCache } from './kvCache';
import type { LlamaModel } from './model';
import { nextTokenLoss } from './nextTokenLoss';
import { givenParameters, orDispose, randomParameters, type TensorSource } from './parameters';

/** What may come with the token ids. */
export interface InputOptions {
  /**
   * 1 on tokens, 0 on padding, on either side; the tokens' positions are counted from it. With a cache it covers the cached
   * tokens too. Shapes: (B, S).
   */
  readonly attentionMask?: Rows;
}

/** What a forward pass may be asked for. */
export interface ForwardOptions extends InputOptions {
  /** Holds the tokens before these, and takes these in. */
  readonly cache?: KeyValueCache;
  /** How many logits to compute, counted from the end of the rows. @defaultValue all */
  readonly logitsToKeep?: number;
}

/** A causal language model of the LLaMA architecture. All parameters are trainable until frozen. */
export class LlamaForCausalLM extends Module {
  readonly model: LlamaModel;
  readonly lmHead: Projection;

  private constructor(
    { model, lmHead }: LlamaParts,
    readonly config: LlamaConfig,
  ) {
    super();
    this.model = model;
    this.lmHead = lmHead;
  }

  /**
   * A model with newly drawn weights, as Hugging Face draws them: normal with mean 0 and `initializerRange`, norms 1.
   *
   * @throws ArgumentError when the configuration's sizes do not fit each other.
   */
  static fromConfig(options: LlamaConfigOptions, { seed = 0 }: { readonly seed?: number } = {}): LlamaForCausalLM {
    const config = llamaConfig(options);
    return orDispose(randomParameters(config, seed), (parameter) => new LlamaForCausalLM(buildLlama(config, parameter), config));
  }

  /**
   * A model of given weights, asked for by Hugging Face's names, kernels as (in, out); it takes ownership of the tensors.
   *
   * @throws FormatError when a tensor is missing; ShapeError when one has another shape than the configuration says.
   */
  static fromTensors(options: LlamaConfigOptions, source: TensorSource): LlamaForCausalLM {
    const config = llamaConfig(options);
    return orDispose(givenParameters(source), (parameter) => new LlamaForCausalLM(buildLlama(config, parameter), config));
  }

  /**
   * The logits of the token after each position.
   *
   * Shapes: inputIds (B, T) → (B, T, V), or (B, logitsToKeep, V).
   *
   * @throws ShapeError for empty or ragged ids or a mask of another shape; ArgumentError for an id outside the vocabulary
   * or more tokens than positions.
   */
  forward(inputIds: Rows, { attentionMask, cache, logitsToKeep }: ForwardOptions = {}): tf.Tensor3D {
    return tf.tidy(() => {
      const hidden = this.#hidden(idTensor(inputIds, this.config), { attentionMask, cache });
      const T = hidden.shape[1] ?? 0;
      const kept = hidden.slice([0, T - Math.min(logitsToKeep ?? T, T), 0]);
      return this.lmHead.forward(kept) as tf.Tensor3D;
    });
  }

  /**
   * The mean cross-entropy of each label given the tokens before it. Labels are the ids themselves, unshifted, and −100
   * where nothing is to be learned; with no label left the loss is 0.
   *
   * Shapes: inputIds, labels, attentionMask (B, T) → ().
   *
   * @throws as `forward` does; ShapeError when the labels' shape is not the ids', ArgumentError for a label that is neither
   * −100 nor in the vocabulary.
   */
  loss(inputIds: Rows, labels: Rows, { attentionMask }: InputOptions = {}): tf.Scalar {
    return tf.tidy(() => {
      const ids = idTensor(inputIds, this.config);
      checkLabels(labels, ids, this.config);
      return nextTokenLoss(this.#hidden(ids, { attentionMask }), labels, this.lmHead);
    });
  }

  /** Writes on from each row; see {@link generate}. Rows may differ in length. */
  async generate(inputIds: Rows, options: GenerateOptions = {}): Promise<number[][]> {
    return generate(this, inputIds, options);
  }

  /** Every layer's attention weights, each row summing to 1; the caller disposes them. Shapes: (B, T) → (B, H, T, T) per layer. */
  attentions(inputIds: Rows, { attentionMask }: InputOptions = {}): tf.Tensor4D[] {
    const kept: tf.Tensor4D[] = [];
    tf.tidy(() => {
      const onWeights = (weights: tf.Tensor4D) => kept.push(tf.keep(weights));
      this.#hidden(idTensor(inputIds, this.config), { attentionMask, onWeights });
    });
    return kept;
  }

  /** Shapes: ids (B, T) → (B, T, C). */
  #hidden(ids: tf.Tensor2D, options: HiddenOptions): tf.Tensor {
    if (this.model.embedTokens.weight.isDisposed) throw new StateError('this model was disposed of: load it anew');
    const [B, T] = ids.shape;
    const { cache, onWeights } = options;
    const attentionMask = options.attentionMask && maskTensor(options.attentionMask, B, (cache?.length ?? 0) + T);
    return this.model.forward(ids, { attentionMask, cache, onWeights });
  }
}

interface HiddenOptions extends InputOptions {
  readonly cache?: KeyValueCache;
  readonly onWeights?: (weights: tf.Tensor4D) => void;
}
