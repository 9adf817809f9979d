/** Rotary position embedding. */
import { ArgumentError, ShapeError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkNumber, checkOneOf } from '../../runtime/checks/checkValues';
import { shown } from '../../runtime/messages/shown';
import { withGradient } from '../customGradient';
import { byKernel } from '../kernels/dispatch';
import { checkAttentionMemory } from './checkAttentionMemory';

/** Slower rotations, with which a model that was trained on short texts reads longer ones; fields as in Hugging Face's `rope_scaling`. */
export type RopeScaling =
  /** Every position divided by `factor` (Chen et al. 2023, arXiv 2306.15595). */
  | { readonly ropeType: 'linear'; readonly factor: number }
  /** Llama 3.1: slow waves divided by `factor`, fast ones kept, a ramp between the two. */
  | {
      readonly ropeType: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositionEmbeddings: number;
    };

/** The options of the rotation angles. */
export interface RotaryOptions {
  /** Width D of one head, even. */
  readonly headDim: number;
  /** Base θ of the wave lengths. @defaultValue 10000 */
  readonly theta?: number;
  readonly scaling?: RopeScaling;
}

/**
 * The rotations of some positions, computed once and used by every layer.
 *
 * Shapes: both (1 or B, 1, T, D), to be broadcast over heads.
 */
export interface RotaryTables {
  readonly cos: tf.Tensor;
  /** The sines; the first half of each row is negated, which saves a sign change when they are applied. */
  readonly sin: tf.Tensor;
}

/**
 * The rotations of the given positions: angle `p·θ^(−2i/D)` for pair i (Su et al. 2021, arXiv 2104.09864, eq. 15).
 *
 * Shapes: positions (T) or (B, T).
 *
 * @throws ArgumentError when the head's width is odd.
 */
export function rotaryTables(positions: tf.Tensor, options: RotaryOptions): RotaryTables {
  checkKnown('rotaryTables', options, ['headDim', 'theta', 'scaling']);
  const frequencies = rotaryFrequencies(options);
  checkAttentionMemory(`a rotation of ${positions.size} positions`, 'rotary tables', positions.size * options.headDim);
  const [cos, sin] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
    const tokens = positions.shape[positions.rank - 1] ?? 0;
    const angles = positions.toFloat().reshape([-1, 1, tokens, 1]).mul(tf.tensor1d(frequencies)); // (B, 1, T, D/2)
    const waves = angles.sin();
    const half = angles.cos();
    return [tf.concat([half, half], -1), tf.concat([waves.neg(), waves], -1)];
  });
  return { cos, sin };
}

/**
 * Rotates each pair (i, i + D/2) of a head by the angle of its position; Hugging Face's weights have this pairing.
 *
 * Shapes: x (B, H, T, D) → (B, H, T, D).
 */
export function applyRotary(x: tf.Tensor, { cos, sin }: RotaryTables): tf.Tensor4D {
  if (x.rank !== 4) throw new ShapeError(`rotary embedding takes (batch, heads, tokens, width); got shape [${x.shape}]`);
  for (const { shape } of [cos, sin]) {
    const [B = 1, , T = 0, D = 0] = shape;
    if (T !== x.shape[2] || D !== x.shape[3] || (B !== 1 && B !== x.shape[0]))
      throw new ShapeError(`rotary tables of shape [${shape}] do not fit heads of shape [${x.shape}] (batch, heads, tokens, width)`);
  }
  return tf.tidy(() => (byKernel('rotary', x, cos, sin) ?? rotate(x, cos, sin)) as tf.Tensor4D);
}

function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  return withGradient(
    [x],
    () => ({ value: x.mul(cos).add(swapHalves(x).mul(sin)), saved: { cos, sin } }),
    (dy, saved) => [dy.mul(saved.cos).sub(swapHalves(dy).mul(saved.sin))], // the inverse rotation
  );
}

/** The angle per position of each of the D/2 pairs, in the same float32 steps as in Hugging Face. */
export function rotaryFrequencies(options: RotaryOptions): Float32Array {
  checkKnown('rotaryFrequencies', options, ['headDim', 'theta', 'scaling']);
  const { headDim, theta = 10_000, scaling } = options;
  checkNumber('theta', theta);
  if (scaling) checkScaling('scaling', scaling);
  if (headDim < 2 || headDim % 2 !== 0)
    throw new ArgumentError(`rotary embedding pairs the elements of a head: width ${headDim} is not even`);
  const frequencies = new Float32Array(headDim / 2);
  for (let i = 0; i < frequencies.length; i++) {
    const plain = Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headDim)));
    frequencies[i] = scaling ? scaleFrequency(plain, scaling) : plain;
  }
  return frequencies;
}

/** The numbers of each kind of scaling. */
const SCALINGS = {
  linear: ['factor'],
  llama3: ['factor', 'lowFreqFactor', 'highFreqFactor', 'originalMaxPositionEmbeddings'],
} as const;

/** @throws ArgumentError with the field that is unknown, missing or out of range. */
export function checkScaling(what: string, scaling: RopeScaling): void {
  checkOneOf(`${what}.ropeType`, scaling.ropeType, Object.keys(SCALINGS));
  const fields = SCALINGS[scaling.ropeType];
  checkKnown(what, scaling, ['ropeType', ...fields]);
  for (const field of fields) {
    const value: unknown = Reflect.get(scaling, field);
    if (typeof value !== 'number' || !(value > 0 && value < Infinity))
      throw new ArgumentError(`${what}.${field} ${shown(value)} is not above 0`);
  }
  if (scaling.ropeType === 'llama3' && scaling.lowFreqFactor >= scaling.highFreqFactor)
    throw new ArgumentError(`${what}.lowFreqFactor ${scaling.lowFreqFactor} is not below highFreqFactor ${scaling.highFreqFactor}`);
}

function scaleFrequency(frequency: number, scaling: RopeScaling): number {
  if (scaling.ropeType === 'linear') return frequency / scaling.factor;
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings } = scaling;
  const turns = (originalMaxPositionEmbeddings * frequency) / (2 * Math.PI); // over the original context
  const kept = Math.min(Math.max((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor), 0), 1);
  return (1 - kept) * (frequency / factor) + kept * frequency;
}

function swapHalves(x: tf.Tensor): tf.Tensor {
  const [first, second] = tf.split(x, 2, -1);
  if (!first || !second) throw new ShapeError(`cannot halve the last axis of shape [${x.shape}]`);
  return tf.concat([second, first], -1);
}
