/**
 * The part of an update that takes the time: tensors in, tensors out, no number read and nothing changed.
 *
 * A compiled step takes this function's place.
 */
import { tf } from '../runtime';
import type { TensorBatch } from './batch';
import { clipByGlobalNorm } from './clipByGlobalNorm';
import { parametersOf, type TrainableModel } from './trainableModel';

/** One part of an update's tokens, small enough for the memory. */
export interface MicroBatch extends TensorBatch {
  /** This part's share of the update's learned tokens; the shares sum to 1. Shape (). */
  readonly weight: tf.Scalar;
}

/** What one update is made of; the caller disposes all of it. */
export interface StepResult {
  /** The mean loss over all learned tokens. Shape (). */
  readonly loss: tf.Scalar;
  /** The gradients' norm before clipping. Shape (). */
  readonly gradNorm: tf.Scalar;
  /** The clipped gradients, by parameter name. */
  readonly grads: tf.NamedTensorMap;
}

/**
 * Loss and clipped gradients of one update: `Σ wᵢ·lossᵢ` over its micro-batches, which is the mean over all their tokens together.
 */
export function trainStep(model: TrainableModel, microBatches: readonly MicroBatch[], maxGradNorm: number): StepResult {
  const parameters = parametersOf(model);
  return tf.tidy(() => {
    let loss = tf.scalar(0);
    let grads: tf.NamedTensorMap = {};
    for (const batch of microBatches) {
      const part = weightedLossAndGrads(model, parameters, batch);
      const before = { loss, grads };
      loss = loss.add(part.loss);
      grads = addByName(grads, part.grads);
      tf.dispose([before, part]);
    }
    const { grads: clipped, norm } = clipByGlobalNorm(grads, maxGradNorm);
    return { loss, gradNorm: norm, grads: clipped };
  });
}

function weightedLossAndGrads(model: TrainableModel, parameters: ReadonlyMap<string, tf.Variable>, batch: MicroBatch) {
  const { inputIds, labels, weight, ...options } = batch;
  const weightedLoss = () => model.loss(inputIds, labels, options).mul(weight).asScalar();
  const { value: loss, grads } = tf.variableGrads(weightedLoss, [...parameters.values()]);
  const named: tf.NamedTensorMap = {};
  for (const [name, variable] of parameters) {
    const grad = grads[variable.name];
    if (grad) named[name] = grad;
  }
  return { loss, grads: named };
}

/** The sums of gradients of the same name; a parameter that one micro-batch does not reach has no gradient there. */
function addByName(sum: tf.NamedTensorMap, part: tf.NamedTensorMap): tf.NamedTensorMap {
  const result = Object.entries({ ...sum, ...part }).map(([name, grad]) => {
    const before = sum[name];
    return [name, before && part[name] ? before.add(grad) : grad.clone()] as const;
  });
  return Object.fromEntries(result);
}
