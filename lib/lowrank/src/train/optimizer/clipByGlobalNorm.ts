/** Gradient clipping by the joint norm of all gradients. */
import { ArgumentError, compileNested, tf } from '../../runtime';
import { groupsOfOneShape, groupsToStack } from '../../runtime/tensorGroups';

/** Gradients after clipping, and their norm before it. */
export interface ClippedGradients {
  readonly grads: tf.NamedTensorMap;
  /** `√(Σ g²)` over every element of every gradient, before clipping. */
  readonly norm: tf.Scalar;
}

/**
 * Scales all gradients by one factor, `min(1, maxNorm / (norm + 10⁻⁶))`, as `torch.nn.utils.clip_grad_norm_` does.
 *
 * The given gradients do not change; with `maxNorm` Infinity, only the norm is computed. The norm of gradients with NaN or infinity is not
 * finite.
 *
 * Shapes: as the gradients; norm ().
 *
 * @throws ArgumentError when `maxNorm` is not positive.
 */
export function clipByGlobalNorm(grads: tf.NamedTensorMap, maxNorm: number): ClippedGradients {
  if (!(maxNorm > 0)) throw new ArgumentError(`maxNorm ${maxNorm} is not positive; leave clipping out with Infinity`);
  return tf.tidy(() => {
    const norm = globalNorm(grads);
    if (maxNorm === Infinity) return { grads: mapTensors(grads, (grad) => grad.clone()), norm };
    const factor = tf.minimum(tf.div(maxNorm, norm.add(1e-6)), 1);
    return { grads: scaled(grads, factor), norm };
  });
}

function globalNorm(grads: tf.NamedTensorMap): tf.Scalar {
  const squares = groupsOfOneShape(Object.values(grads), ({ shape }) => shape.join()).map((group) => sumOfSquares(group));
  return squares.length === 0 ? tf.scalar(0) : tf.stack(squares).sum().sqrt().asScalar();
}

const sumOfSquares = compileNested((tensors: readonly tf.Tensor[]) => tf.stack(tensors.map((tensor) => tensor.square().sum())).sum(), {
  name: 'sum_of_squares',
});

function mapTensors(tensors: tf.NamedTensorMap, map: (tensor: tf.Tensor) => tf.Tensor): tf.NamedTensorMap {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, map(tensor)]));
}

/** Products with a number: one operation for the tensors of a group. */
function scaled(tensors: tf.NamedTensorMap, factor: tf.Tensor): tf.NamedTensorMap {
  const groups = groupsToStack(
    Object.entries(tensors),
    ([, { shape }]) => shape.join(),
    ([, tensor]) => tensor,
  );
  return Object.fromEntries(groups.flatMap((group) => scaledGroup(group, factor)));
}

function scaledGroup(group: readonly (readonly [string, tf.Tensor])[], factor: tf.Tensor): (readonly [string, tf.Tensor])[] {
  if (group.length === 1) return group.map(([name, tensor]) => [name, tensor.mul(factor)]); // in place, where that is possible
  const products = tf.unstack(tf.stack(group.map(([, tensor]) => tensor)).mul(factor));
  return group.map(([name], row) => [name, products[row] as tf.Tensor]);
}
