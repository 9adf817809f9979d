import { tf } from 'lowrank';

/** A model whose attention can be read. */
export interface AttentiveModel {
  /** The weights of each layer, (1, H, T, T). */
  attentions(ids: readonly number[][]): tf.Tensor[];
}

/** The share of its attention that the last token gives to each token, the mean over all heads and layers. */
export function lastAttention(model: AttentiveModel, ids: readonly number[]): number[] {
  const layers = model.attentions([[...ids]]);
  const last = [0, 0, ids.length - 1, 0];
  const row = tf.tidy(() => {
    const rows = layers.map((weights) => weights.slice(last, [1, -1, 1, -1]).mean(1).flatten());
    return tf.stack(rows).mean(0).arraySync() as number[];
  });
  tf.dispose(layers);
  return row;
}
