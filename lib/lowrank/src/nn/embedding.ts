/** The table of token vectors. */
import { ArgumentError, ShapeError, tf } from '../runtime';
import { checkGiven } from '../runtime/checks/door';
import { matMulRows } from './linear';
import { Module } from './module';
import type { ModuleKind } from './moduleKind';
import type { PackedWeight } from './packedWeight';

/** A table of token vectors: the interface of an Embedding and of an adapter around one. */
export interface TokenTable extends Module {
  /** V, the number of tokens. */
  readonly numEmbeddings: number;
  /** C, the width of a token's vector. */
  readonly embeddingDim: number;
  readonly weight: tf.Variable | PackedWeight;
  /** Shapes: ids (B, T), int32 → (B, T, C). */
  forward(ids: tf.Tensor): tf.Tensor;
  /** `x·Eᵀ`, the inner product of x with each token's vector. Shapes: (…, C) → (…, V). */
  scores(x: tf.Tensor): tf.Tensor;
}

/**
 * A table of token vectors: each token id selects a row.
 *
 * Shapes: ids (B, T), int32 → (B, T, C); weight (V, C).
 */
export class Embedding extends Module implements TokenTable {
  /** Takes ownership of the variable. */
  constructor(readonly weight: tf.Variable) {
    super();
    checkGiven('new Embedding(weight)', { weight });
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

/** @throws ArgumentError when the ids do not have an integer type; TensorFlow's own message names neither the ids nor the type. */
export function checkIdType(ids: tf.Tensor): void {
  if (ids.dtype !== 'int32') throw new ArgumentError(`token ids are int32; got a tensor of type ${ids.dtype}, shape [${ids.shape}]`);
}
