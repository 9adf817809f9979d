/** One update of the optimizer, as a pure function: a batch in; the loss, the gradients' norm and the updated parameters out. */
import type { tf } from '../../runtime';
import type { AdamW, Assignment } from '../optimizer/adamw';
import { clipByGlobalNorm } from '../optimizer/clipByGlobalNorm';
import { parametersOf, type TrainableModel } from '../trainableModel';
import { addMicroBatch, type LossAndGradients, type MicroBatch } from './gradients';

/** What an update takes besides its last micro-batch. */
export type StepInputs = {
  /** Those of its earlier micro-batches; a loss of 0 and no gradients where there are none. */
  readonly earlier: LossAndGradients;
  /** The optimizer's numbers of this update. Shape (3). */
  readonly coefficients: tf.Tensor1D;
  /** Whether every update before this one was finite. Shape (), bool. */
  readonly wasFinite: tf.Tensor;
};

/** What an update comes to; the caller disposes all of it. */
export type StepResult = {
  /** The mean loss over all learned tokens, before the update. Shape (). */
  readonly loss: tf.Scalar;
  /** The norm of all gradients, before clipping. Shape (). */
  readonly gradNorm: tf.Scalar;
  /** Whether these two, and those of every earlier update, are finite. Shape (), bool. */
  readonly allFinite: tf.Tensor;
  /** New values of parameters and moments; the present ones where `allFinite` is false. */
  readonly updated: readonly Assignment[];
};

/** What an update is made of. */
interface Updated {
  readonly model: TrainableModel;
  readonly optimizer: AdamW;
  readonly maxGradNorm: number;
}

/** Forward, backward, clipping, AdamW. Reads no number and assigns nothing. */
export function optimizerStep(setup: Updated, batch: MicroBatch, { earlier, ...inputs }: StepInputs): StepResult {
  return updateBy(setup, addMicroBatch(setup.model, batch, earlier), inputs);
}

/** Clipping and AdamW, by the gradients of the whole update. */
export function updateBy(
  { model, optimizer, maxGradNorm }: Updated,
  { loss, grads }: LossAndGradients,
  { coefficients, wasFinite }: Omit<StepInputs, 'earlier'>,
): StepResult {
  const { grads: clipped, norm: gradNorm } = clipByGlobalNorm(grads, maxGradNorm);
  const allFinite = wasFinite.logicalAnd(loss.isFinite()).logicalAnd(gradNorm.isFinite());
  const updated = optimizer.updated(clipped, parametersOf(model), { coefficients, allFinite });
  return { loss, gradNorm, allFinite, updated };
}
