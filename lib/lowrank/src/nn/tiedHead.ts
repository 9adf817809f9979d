/** The output layer of a model whose embedding and output layer share one table. */
import { tf, UnsupportedError } from '../runtime';
import type { TokenTable } from './embedding';
import { Linear, type Projection } from './linear';
import { Module } from './module';
import type { ModuleKind } from './moduleKind';

/** The tied output layer of each table. */
const heads = new WeakMap<Module, TiedHead>();

/** This module if it is a tied output layer, else the tied output layer of this table. */
export function tiedHeadOf(module: Module): TiedHead | undefined {
  return module instanceof TiedHead ? module : heads.get(module);
}

/**
 * An output layer that shares the embedding's table, `y = x·Eᵀ` (Press and Wolf 2017, arXiv 1608.05859).
 *
 * The embedding owns the table: it is named, counted, trained and freed there, once. If the two ends need different values, {@link part}
 * first makes a copy for this layer.
 *
 * Shapes: x (…, C) → (…, V).
 */
export class TiedHead extends Module implements Projection {
  /** The copy of the table that is used while the ends are parted. */
  ownHead: Linear | undefined;
  #embedding: TokenTable; // private: a child would count as a second owner of the table
  #reasons = 0; // the number of partings that were not undone

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
   * The shared table, (V, C): the transpose of a Linear's (in, out) weight.
   *
   * @throws UnsupportedError when it is stored packed.
   */
  get tiedWeight(): tf.Variable {
    const { weight } = this.#embedding;
    if (weight instanceof tf.Variable) return weight;
    throw new UnsupportedError(`the token table is stored as ${weight.format}: load the model with dtype 'float32' to use its values`);
  }

  /** The shared table, in any storage. */
  get tiedTable(): TokenTable['weight'] {
    return this.#embedding.weight;
  }

  /** Uses another table from now on, for example an adapter around the previous one. */
  follow(table: TokenTable): void {
    if (heads.get(this.#embedding) === this) heads.delete(this.#embedding);
    this.#embedding = table;
    heads.set(table, this);
  }

  /** Whether this is the output layer of that table. */
  isTiedTo(embedding: TokenTable): boolean {
    return this.#embedding === embedding;
  }

  /** The values in use, as 32-bit floats, transposed as a Linear's weight. Shapes: → (C, V). */
  values(): tf.Tensor {
    const { weight } = this.#embedding;
    return tf.tidy(() => this.ownHead?.weight.clone() ?? (weight instanceof tf.Variable ? weight : weight.unpack()).transpose());
  }

  /** Copies the table for this layer, in 32-bit floats: either end can then change without the other. */
  part(): Linear {
    this.#reasons++;
    const { weight } = this.#embedding;
    const isTrained = weight instanceof tf.Variable && weight.trainable;
    this.ownHead ??= new Linear(tf.tidy(() => tf.variable(this.values(), isTrained)));
    return this.ownHead;
  }

  /** Undoes one {@link part}; the last one frees the copy, and the layer uses the table again. */
  rejoin(): void {
    this.#reasons = Math.max(0, this.#reasons - 1);
    if (this.#reasons > 0) return;
    this.ownHead?.dispose();
    this.ownHead = undefined;
  }

  /** Returns the copy of a parted layer as a layer that replaces this one; undefined while the ends are tied. */
  release(): Linear | undefined {
    const { ownHead } = this;
    if (!ownHead) return undefined;
    this.ownHead = undefined;
    this.dispose();
    return ownHead;
  }

  /** The table, which decides the results of this layer and belongs to the embedding. */
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
