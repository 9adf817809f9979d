/** Methods of summing the tensors of several adapters: PEFT's `merge_utils`. */
import { ArgumentError, deriveSeed, tf } from '../../../runtime';
import { statelessUniform } from '../../../runtime/statelessRandom';

/** The election of an element's sign in TIES: by the sum of its values, or by the count of its signs. */
export type MajoritySignMethod = 'total' | 'frequency';

export interface ArithmeticOptions {
  /** Share of the kept elements. */
  readonly density?: number;
  /** @defaultValue 'total' */
  readonly majoritySignMethod?: MajoritySignMethod;
  /** Random seed of the masks of DARE. */
  readonly seed: number;
}

/** The rule for dropping elements before the sum, and whether the rest must agree in sign. */
const TYPES = {
  linear: { prune: undefined, elects: false },
  magnitude_prune: { prune: keepLargest, elects: false },
  ties: { prune: keepLargest, elects: true },
  dare_linear: { prune: keepRandom, elects: false },
  dare_ties: { prune: keepRandom, elects: true },
} as const;

/** A method of summing tensors element by element. */
export type TaskArithmetic = keyof typeof TYPES;

export function isTaskArithmetic(type: string): type is TaskArithmetic {
  return Object.hasOwn(TYPES, type);
}

/**
 * `Σ wᵢ·tᵢ`, element by element (task arithmetic, Ilharco et al. 2022). The tensors are pruned before: to their largest values
 * (magnitude_prune, TIES; Yadav et al. 2023), or at random with a scale of 1/density (DARE; Yu et al. 2023). The TIES methods elect
 * a sign per element, drop the elements that disagree, and divide by the number of the others.
 *
 * Shapes: all tensors have the same shape.
 *
 * @throws ArgumentError for a density out of range.
 */
export function mergeTensors(
  type: TaskArithmetic,
  tensors: readonly tf.Tensor[],
  weights: readonly number[],
  options: ArithmeticOptions,
): tf.Tensor {
  const { prune, elects } = TYPES[type];
  return tf.tidy(() => {
    const kept = prune ? tensors.map((tensor, index) => prune(tensor, densityOf(type, options), deriveSeed(options.seed, index))) : tensors;
    const weighted = kept.map((tensor, index) => tensor.mul(weights[index] ?? 0));
    if (!elects) return tf.addN(weighted);
    const agrees = agreement(kept, options.majoritySignMethod ?? 'total');
    const sum = tf.addN(weighted.map((tensor, index) => tensor.mul(agrees[index] ?? 0)));
    return sum.div(tf.addN(agrees).maximum(1));
  });
}

/** Keeps the `⌊density·size⌋` elements with the largest magnitude. */
function keepLargest(tensor: tf.Tensor, density: number): tf.Tensor {
  const flat = tensor.abs().flatten();
  const count = Math.floor(density * tensor.size);
  if (density >= 1) return tensor;
  if (count === 0) return tf.zerosLike(tensor);
  const { indices } = tf.topk(flat, count);
  const mask = tf.scatterND(indices.expandDims(1), tf.ones([count]), [tensor.size]);
  return tensor.mul(mask.reshape(tensor.shape));
}

/** Keeps each element with this probability, and scales it up to keep the expectation. */
function keepRandom(tensor: tf.Tensor, density: number, seed: number): tf.Tensor {
  if (density >= 1) return tensor;
  const kept = statelessUniform(tensor.shape, tf.tensor1d([seed >> 1, 0], 'int32')).less(density);
  return tensor.mul(kept).div(density);
}

/** 1 where a tensor has the elected sign. A sum of 0 elects plus, and an element of 0 agrees with neither sign. */
function agreement(tensors: readonly tf.Tensor[], method: MajoritySignMethod): tf.Tensor[] {
  const signs = tensors.map((tensor) => tensor.sign());
  const sum = tf.addN(method === 'total' ? [...tensors] : signs);
  const elected = sum.greaterEqual(0).toFloat().mul(2).sub(1);
  return signs.map((sign) => sign.equal(elected).toFloat());
}

function densityOf(type: TaskArithmetic, { density }: ArithmeticOptions): number {
  const isRandom = TYPES[type].prune === keepRandom;
  if (density !== undefined && density >= 0 && density <= 1 && !(isRandom && density === 0)) return density;
  throw new ArgumentError(`combining by ${type} needs a density in ${isRandom ? '0 < d' : '0 ≤ d'} ≤ 1; got ${density}`);
}
