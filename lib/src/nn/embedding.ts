/** The table of token vectors. */
import { ShapeError, tf } from '../runtime';
import { matMulRows, type Projection } from './linear';
import { Module } from './module';

/**
 * A table from which each token id picks its row.
 *
 * Shapes: ids (B, T), int32 → (B, T, C); weight (V, C).
 */
export class Embedding extends Module {
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
}

/**
 * An output layer that shares the embedding's table, `y = x·Eᵀ` (Press and Wolf 2017, arXiv 1608.05859).
 *
 * The table stays the embedding's: it is named, counted, trained and freed there, once.
 *
 * Shapes: x (…, C) → (…, V).
 */
export class TiedHead extends Module implements Projection {
  readonly #embedding: Embedding; // private: a child would be listed as a second owner of the table

  constructor(embedding: Embedding) {
    super();
    this.#embedding = embedding;
  }

  get inFeatures(): number {
    return this.#embedding.embeddingDim;
  }

  get outFeatures(): number {
    return this.#embedding.numEmbeddings;
  }

  /** The shared table, (V, C): transposed against a Linear's (in, out) weight. */
  get tiedWeight(): tf.Variable {
    return this.#embedding.weight;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => matMulRows(x, this.#embedding.weight, true));
  }
}
