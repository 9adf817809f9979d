/** The table of token vectors. */
import { ArgumentError, ShapeError, tf, UnsupportedError } from '../runtime';
import { Linear, matMulRows, type Projection } from './linear';
import { Module } from './module';
import type { ModuleKind } from './moduleKind';
import type { PackedWeight } from './packedWeight';

/** A table of token vectors: what an Embedding is to those who call it, and what an adapter around one stays. */
export interface TokenTable extends Module {
  /** How many tokens it has, V. */
  readonly numEmbeddings: number;
  /** How wide each token's vector is, C. */
  readonly embeddingDim: number;
  readonly weight: tf.Variable | PackedWeight;
  /** Shapes: ids (B, T), int32 → (B, T, C). */
  forward(ids: tf.Tensor): tf.Tensor;
  /** `x·Eᵀ`, how far each token's vector goes along with x. Shapes: (…, C) → (…, V). */
  scores(x: tf.Tensor): tf.Tensor;
}

/**
 * A table from which each token id picks its row.
 *
 * Shapes: ids (B, T), int32 → (B, T, C); weight (V, C).
 */
export class Embedding extends Module implements TokenTable {
  /** Takes ownership of the variable. */
  constructor(readonly weight: tf.Variable) {
    super();
    if (weight.rank !== 2) throw new ShapeError(`an Embedding's weight is (vocabulary, width); got shape [${weight.shape}]`);
  }

  override get kind(): ModuleKind {
    return 'token table';
  }

  get numEmbeddings(): number {
    return this.weight.shape[0] ?? 0;
  }

  get embeddingDim(): number {
    return this.weight.shape[1] ?? 0;
  }

  forward(ids: tf.Tensor): tf.Tensor {
    checkIdType(ids);
    return tf.tidy(() => tf.gather(this.weight, ids));
  }

  scores(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => matMulRows(x, this.weight, true));
  }
}

/** The output layer that shows a table, by the table. */
const heads = new WeakMap<Module, TiedHead>();

/** The tied output layer that this module is, or whose table it is. */
export function tiedHeadOf(module: Module): TiedHead | undefined {
  return module instanceof TiedHead ? module : heads.get(module);
}

/**
 * An output layer that shares the embedding's table, `y = x·Eᵀ` (Press and Wolf 2017, arXiv 1608.05859).
 *
 * The table stays the embedding's: it is named, counted, trained and freed there, once. Where one of the two ends is to take on
 * other values than the other, {@link part} first gives this layer a copy of its own.
 *
 * Shapes: x (…, C) → (…, V).
 */
export class TiedHead extends Module implements Projection {
  /** The copy of the table that acts while the ends are apart. */
  ownHead: Linear | undefined;
  #embedding: TokenTable; // private: a child would be listed as a second owner of the table
  #reasons = 0; // how many times the ends were parted and not rejoined

  constructor(embedding: TokenTable) {
    super();
    this.#embedding = embedding;
    heads.set(embedding, this);
  }

  override get kind(): ModuleKind {
    return 'projection';
  }

  get inFeatures(): number {
    return this.#embedding.embeddingDim;
  }

  get outFeatures(): number {
    return this.#embedding.numEmbeddings;
  }

  /**
   * The shared table, (V, C): transposed against a Linear's (in, out) weight.
   *
   * @throws UnsupportedError when it is stored packed.
   */
  get tiedWeight(): tf.Variable {
    const { weight } = this.#embedding;
    if (weight instanceof tf.Variable) return weight;
    throw new UnsupportedError(`the token table is stored as ${weight.format}: load the model with dtype 'float32' to use its values`);
  }

  /** The shared table, however it is kept. */
  get tiedTable(): TokenTable['weight'] {
    return this.#embedding.weight;
  }

  /** Shows another table from now on, for example an adapter around the one before. */
  follow(table: TokenTable): void {
    if (heads.get(this.#embedding) === this) heads.delete(this.#embedding);
    this.#embedding = table;
    heads.set(table, this);
  }

  /** Whether this is the head of that table. */
  isTiedTo(embedding: TokenTable): boolean {
    return this.#embedding === embedding;
  }

  /** The values that act, turned as a Linear's weight is, in 32-bit floats. Shapes: → (C, V). */
  values(): tf.Tensor {
    const { weight } = this.#embedding;
    return tf.tidy(() => this.ownHead?.weight.clone() ?? (weight instanceof tf.Variable ? weight : weight.unpack()).transpose());
  }

  /** Gives this layer a copy of the table of its own, in 32-bit floats, so that either end can change without the other. */
  part(): Linear {
    this.#reasons++;
    const { weight } = this.#embedding;
    const isTrained = weight instanceof tf.Variable && weight.trainable;
    this.ownHead ??= new Linear(tf.tidy(() => tf.variable(this.values(), isTrained)));
    return this.ownHead;
  }

  /** Takes one {@link part} back; with the last of them the copy is freed, and the layer shows the table again. */
  rejoin(): void {
    this.#reasons = Math.max(0, this.#reasons - 1);
    if (this.#reasons > 0) return;
    this.ownHead?.dispose();
    this.ownHead = undefined;
  }

  /** Hands over the copy of a parted layer, which takes this layer's place; undefined while the ends are tied. */
  release(): Linear | undefined {
    const { ownHead } = this;
    if (!ownHead) return undefined;
    this.ownHead = undefined;
    this.dispose();
    return ownHead;
  }

  /** The table, which decides what this layer computes though it belongs to the embedding. */
  override *borrowedParts(): IterableIterator<Module> {
    if (!this.ownHead) yield this.#embedding;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.ownHead ? this.ownHead.forward(x) : this.#embedding.scores(x);
  }

  override dispose(): void {
    if (heads.get(this.#embedding) === this) heads.delete(this.#embedding);
    super.dispose();
  }
}

/** @throws ArgumentError when ids are not whole numbers by their type; TensorFlow's own words for it name neither. */
export function checkIdType(ids: tf.Tensor): void {
  if (ids.dtype !== 'int32') throw new ArgumentError(`token ids are int32; got a tensor of type ${ids.dtype}, shape [${ids.shape}]`);
}
