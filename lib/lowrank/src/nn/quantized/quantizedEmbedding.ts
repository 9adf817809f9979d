/** A packed table of token vectors. */
import { tf } from '../../runtime';
import { checkTokenIds, type TokenTable } from '../embedding';
import { Module } from '../module';
import type { ModuleKind } from '../moduleKind';
import { quantizedMatMul } from './quantizedMatMul';
import type { QuantizedRows } from './quantizedWeight';

/**
 * A frozen table of token vectors: each token id selects a row, and only that row is unpacked.
 *
 * Shapes: ids (B, T), int32 → (B, T, C); weight (V, C).
 */
export class QuantizedEmbedding extends Module implements TokenTable {
  /** Takes ownership of the weight. */
  constructor(
    readonly weight: QuantizedRows,
    readonly paddingIdx?: number,
  ) {
    super();
  }

  override get kind(): ModuleKind {
    return 'token table';
  }

  get numEmbeddings(): number {
    return this.weight.rows;
  }

  get embeddingDim(): number {
    return this.weight.columns;
  }

  forward(ids: tf.Tensor): tf.Tensor {
    checkTokenIds(ids, this.numEmbeddings);
    return tf.tidy(() => {
      const row = ids.toFloat().flatten().toInt(); // integers would be reshaped on a GPU's host
      return this.weight.unpackRows(row).reshape([...ids.shape, this.embeddingDim]);
    });
  }

  scores(x: tf.Tensor): tf.Tensor {
    return quantizedMatMul(x, this.weight);
  }
}
