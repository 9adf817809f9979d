/** Loss and gradients of an update, summed over its micro-batches. */
import { StateError, tf } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';
import type { TensorBatch } from '../data/tensorBatch';
import { parametersOf, type TrainableModel } from '../trainableModel';

/** A part of an update's batch that fits into memory. */
export interface MicroBatch extends TensorBatch {
  /** This part's share of the update's learned tokens; the shares sum to 1. Shape (). */
  readonly weight: tf.Scalar;
}

/** Loss and gradients of the micro-batches so far: `Σ wᵢ·lossᵢ`; the sum over all of them is the mean over all tokens. */
export type LossAndGradients = {
  /** Shape (). */
  readonly loss: tf.Scalar;
  /** By parameter name; a parameter that no loss depends on has none. */
  readonly grads: tf.NamedTensorMap;
};

/** The sums with one more micro-batch. */
export function addMicroBatch(model: TrainableModel, batch: MicroBatch, { loss, grads }: LossAndGradients): LossAndGradients {
  return tf.tidy(() => {
    const part = weightedLossAndGrads(model, batch);
    return { loss: loss.add<tf.Scalar>(part.loss), grads: addByName(grads, part.grads) };
  });
}

function weightedLossAndGrads(model: TrainableModel, batch: MicroBatch): LossAndGradients {
  const { inputIds, labels, weight, ...options } = batch;
  const parameters = parametersOf(model);
  const weightedLoss = () => model.loss(inputIds, labels, options).mul(weight).asScalar();
  const { value: loss, grads } = lossAndGrads(weightedLoss, [...parameters.values()]);
  const named: tf.NamedTensorMap = {};
  for (const [name, variable] of parameters) {
    const grad = grads[variable.name];
    if (grad) named[name] = grad;
  }
  return { loss, grads: named };
}

/** @throws StateError when the loss depends on none of the variables, which tfjs reports outside of compiled functions. */
function lossAndGrads(loss: () => tf.Scalar, variables: tf.Variable[]): ReturnType<typeof tf.variableGrads> {
  try {
    return tf.variableGrads(loss, variables);
  } catch (cause) {
    throw /find a connection/.test(reasonOf(cause)) ? noGradient({ cause }) : cause;
  }
}

/** The error for a training run that would change nothing. */
export function noGradient(options?: ErrorOptions): StateError {
  const reason = 'no trained parameter got a gradient, so nothing would be learned: the loss does not depend on any of them';
  return new StateError(`${reason}. Is the adapter active and enabled, and has nothing else been put on the same model since?`, options);
}

/** The sums of gradients of the same name; a micro-batch may lack gradients of some parameters. */
function addByName(sum: tf.NamedTensorMap, part: tf.NamedTensorMap): tf.NamedTensorMap {
  const result = Object.entries({ ...sum, ...part }).map(([name, grad]) => {
    const before = sum[name];
    return [name, before && part[name] ? before.add(grad) : grad.clone()] as const;
  });
  return Object.fromEntries(result);
}
