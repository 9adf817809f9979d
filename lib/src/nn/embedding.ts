/** The table of token vectors. */
import { ShapeError, tf, UnsupportedError } from '../runtime';
import { matMulRows, type Projection } from './linear';
import { Module } from './module';
import type { StoredRows } from './stored/storedWeight';

/** A table of token vectors: what an Embedding is to those who call it, and what an adapter around one stays. */
export interface TokenTable extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly weight: tf.Variable | StoredRows;
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

  get numEmbeddings(): number {
    return this.weight.shape[0] ?? 0;
  }

  get embeddingDim(): number {
    return this.weight.shape[1] ?? 0;
  }

  forward(ids: tf.Tensor): tf.Tensor {
    return tf.tidy(() => tf.gather(this.weight, ids));
  }

  scores(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => matMulRows(x, this.weight, true));
  }
}

/**
 * An output layer that shares the embedding's table, `y = x·Eᵀ` (Press and Wolf 2017, arXiv 1608.05859).
 *
 * The table stays the embedding's: it is named, counted, trained and freed there, once.
 *
 * Shapes: x (…, C) → (…, V).
 */
export class TiedHead extends Module implements Projection {
  readonly #embedding: TokenTable; // private: a child would be listed as a second owner of the table

  constructor(embedding: TokenTable) {
    super();
    this.#embedding = embedding;
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

  /** Whether this is the head of that table. */
  isTiedTo(embedding: TokenTable): boolean {
    return this.#embedding === embedding;
  }

  /** The table, which decides what this layer computes though it belongs to the embedding. */
  override *borrowedParts(): IterableIterator<Module> {
    yield this.#embedding;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.#embedding.scores(x);
  }
}
