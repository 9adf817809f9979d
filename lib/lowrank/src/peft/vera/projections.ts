/** The random projections that all layers of a VeRA adapter share. */
import { tf } from '../../runtime';
import { mersenneTwister, torchUniform } from './mersenneTwister';

/**
 * Frozen projections, as wide as the widest adapted layer; a narrower layer takes their first columns or rows.
 *
 * Shapes: a (I, r), b (r, O). PEFT's files hold them as (r, I) and (O, r).
 */
export interface Projections {
  readonly a: tf.Variable;
  readonly b: tf.Variable;
}

/** The sizes of an adapter's projections. */
export interface ProjectionSizes {
  readonly r: number;
  /** The widest input of the adapted layers. */
  readonly inFeatures: number;
  /** The widest output of the adapted layers. */
  readonly outFeatures: number;
}

/** The projections that PEFT draws from a key: Kaiming-uniform over their inputs, `±√(6/I)` and `±√(6/r)`, A before B. */
export function drawProjections({ r, inFeatures, outFeatures }: ProjectionSizes, key: number): Projections {
  const next = mersenneTwister(key);
  return tf.tidy(() => {
    const a = tf.tensor2d(torchUniform(next, r * inFeatures, Math.sqrt(3) * Math.sqrt(2 / inFeatures)), [r, inFeatures]);
    const b = tf.tensor2d(torchUniform(next, outFeatures * r, Math.sqrt(3) * Math.sqrt(2 / r)), [outFeatures, r]);
    return { a: tf.variable(a.transpose(), false), b: tf.variable(b.transpose(), false) };
  });
}
