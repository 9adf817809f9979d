/** The part of an update that takes the time: loss, gradients, clipping. Tensors in, tensors out, no number read and nothing changed. */
import { StateError, tf } from '../runtime';
import { reasonOf } from '../runtime/reasonOf';
import type { TensorBatch } from './data/batch';
import { clipByGlobalNorm } from './optimizer/clipByGlobalNorm';
import { parametersOf, type TrainableModel } from './trainableModel';

/** One part of an update's tokens, small enough for the memory. */
export interface MicroBatch extends TensorBatch {
  /** This part's share of the update's learned tokens; the shares sum to 1. Shape (). */
  readonly weight: tf.Scalar;
}

/** What the micro-batches of an update add up to so far. */
export type GradientSums = {
  /** Shape (). */
  readonly loss: tf.Scalar;
  /** By parameter name; a parameter that no loss reaches has none. */
  readonly grads: tf.NamedTensorMap;
};

/** What one update is made of; the caller disposes all of it. */
export type StepResult = {
  /** The mean loss over all learned tokens. Shape (). */
  readonly loss: tf.Scalar;
  /** The gradients' norm before clipping. Shape (). */
  readonly gradNorm: tf.Scalar;
  /** The clipped gradients, by parameter name. */
  readonly grads: tf.NamedTensorMap;
};

/**
 * Loss and clipped gradients of one update: `Σ wᵢ·lossᵢ` over its micro-batches, which is the mean over all their tokens together.
 */
export function trainStep(model: TrainableModel, microBatches: readonly MicroBatch[], maxGradNorm: number): StepResult {
  return tf.tidy(() => {
    let sums: GradientSums = { loss: tf.scalar(0), grads: {} };
    for (const batch of microBatches) {
      const before = sums;
      sums = addMicroBatch(model, batch, before);
      tf.dispose(before);
    }
    return clipSums(sums, maxGradNorm);
  });
}

/** The sums with one micro-batch more. */
export function addMicroBatch(model: TrainableModel, batch: MicroBatch, { loss, grads }: GradientSums): GradientSums {
  return tf.tidy(() => {
    const part = weightedLossAndGrads(model, parametersOf(model), batch);
    return { loss: loss.add<tf.Scalar>(part.loss), grads: addByName(grads, part.grads) };
  });
}

/** The update that complete sums make. */
export function clipSums({ loss, grads }: GradientSums, maxGradNorm: number): StepResult {
  return tf.tidy(() => {
    const { grads: clipped, norm } = clipByGlobalNorm(grads, maxGradNorm);
    return { loss: loss.clone(), gradNorm: norm, grads: clipped };
  });
}

function weightedLossAndGrads(model: TrainableModel, parameters: ReadonlyMap<string, tf.Variable>, batch: MicroBatch) {
  const { inputIds, labels, weight, ...options } = batch;
  const weightedLoss = () => model.loss(inputIds, labels, options).mul(weight).asScalar();
  const { value: loss, grads } = lossAndGrads(weightedLoss, [...parameters.values()]);
  const named: tf.NamedTensorMap = {};
  for (const [name, variable] of parameters) {
    const grad = grads[variable.name];
    if (grad) named[name] = grad;
  }
  return { loss, grads: named };
}

/** @throws StateError where the loss does not depend on any of the variables: tfjs says so outside of compiled functions. */
function lossAndGrads(loss: () => tf.Scalar, variables: tf.Variable[]): ReturnType<typeof tf.variableGrads> {
  try {
    return tf.variableGrads(loss, variables);
  } catch (cause) {
    throw /find a connection/.test(reasonOf(cause)) ? noGradient({ cause }) : cause;
  }
}

/** What is thrown where training would change nothing. */
export function noGradient(options?: ErrorOptions): StateError {
  const reason = 'no trained parameter got a gradient, so nothing would be learned: the loss does not depend on any of them';
  return new StateError(`${reason}. Is the adapter active and enabled, and has nothing else been put on the same model since?`, options);
}

/** The sums of gradients of the same name; a parameter that one micro-batch does not reach has no gradient there. */
function addByName(sum: tf.NamedTensorMap, part: tf.NamedTensorMap): tf.NamedTensorMap {
  const result = Object.entries({ ...sum, ...part }).map(([name, grad]) => {
    const before = sum[name];
    return [name, before && part[name] ? before.add(grad) : grad.clone()] as const;
  });
  return Object.fromEntries(result);
}
