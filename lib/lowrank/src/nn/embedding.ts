/** The table of token vectors. */
import { ArgumentError, ShapeError, tf } from '../runtime';
import { checkWhole } from '../runtime/checks/checkWhole';
import { checkGiven } from '../runtime/checks/door';
import { cheapData } from '../runtime/device/cheapData';
import { withGradient } from './customGradient';
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
  /** The token whose looked-up row gets no gradient, as PyTorch's `padding_idx`; a tied head's gradient still arrives. */
  readonly paddingIdx?: number | undefined;
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
  constructor(
    readonly weight: tf.Variable,
    readonly paddingIdx?: number,
  ) {
    super();
    checkGiven('new Embedding(weight)', { weight }, { weight: 'tensor' });
    if (weight.rank !== 2) throw new ShapeError(`an Embedding's weight is (vocabulary, width); got shape [${weight.shape}]`);
    if (paddingIdx !== undefined) checkWhole('new Embedding: paddingIdx', paddingIdx, 0);
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
    checkTokenIds(ids, this.numEmbeddings);
    return gatherRows(this.weight, ids, this.paddingIdx);
  }

  scores(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => matMulRows(x, this.weight, true));
  }
}

/** The table's row of each id. The row `paddingIdx` gets no gradient. Shapes: table (V, C), ids (…), int32 → (…, C). */
export function gatherRows(table: tf.Tensor, ids: tf.Tensor, paddingIdx: number | undefined): tf.Tensor {
  if (paddingIdx === undefined) return tf.tidy(() => tf.gather(table, ids));
  const [V = 0, C = 0] = table.shape;
  return withGradient(
    [table],
    () => ({ value: tf.gather(table, ids), saved: { ids } }),
    (dy, saved) => {
      const id = saved.ids.toFloat().flatten(); // integers would be reshaped on a GPU's host
      const row = tf.where<tf.Tensor>(id.equal(paddingIdx), tf.scalar(-1), id).toInt() as tf.Tensor1D; // a segment below 0 is left out
      return [tf.unsortedSegmentSum(dy.reshape([-1, C]), row, V)];
    },
  );
}

/**
 * @param size - V, the number of tokens
 * @throws ArgumentError when the ids do not have an integer type, or one of them is outside 0…V − 1, where it is cheap to read them: on a
 * GPU, TensorFlow takes zeros for its row.
 */
export function checkTokenIds(ids: tf.Tensor, size: number): void {
  if (ids.dtype !== 'int32') throw new ArgumentError(`token ids are int32; got a tensor of type ${ids.dtype}, shape [${ids.shape}]`);
  const outside = cheapData(ids).find((id) => id < 0 || id >= size);
  if (outside !== undefined) throw new ArgumentError(`token id ${outside} is not in the table, 0…${size - 1}`);
}
