/** One update of the optimizer as a pure function: batch → loss, norm of the gradients, updated parameters. */
import type { tf } from '../../runtime';
import type { AdamW, Assignment } from '../optimizer/adamw';
import { clipByGlobalNorm } from '../optimizer/clipByGlobalNorm';
import { parametersOf, type TrainableModel } from '../trainableModel';
import { addMicroBatch, type LossAndGradients, type MicroBatch } from './gradients';

/** The inputs of an update besides its last micro-batch. */
export type StepInputs = {
  /** The sums over its earlier micro-batches; loss 0 and no gradients if there are none. */
  readonly earlier: LossAndGradients;
  /** The optimizer's numbers of this update. Shape (3). */
  readonly coefficients: tf.Tensor1D;
  /** Whether every update before this one was finite. Shape (), bool. */
  readonly wasFinite: tf.Tensor;
};

/** The result of an update; the caller disposes of all of it. */
type StepResult = {
  /** The mean loss over all learned tokens, before the update. Shape (). */
  readonly loss: tf.Scalar;
  /** The norm of all gradients, before clipping. Shape (). */
  readonly gradNorm: tf.Scalar;
  /** Whether these two, and those of every earlier update, are finite. Shape (), bool. */
  readonly allFinite: tf.Tensor;
  /** New values of parameters and moments; the present values if `allFinite` is false. */
  readonly updated: readonly Assignment[];
};

/** The parts of an update. */
interface Updated {
  readonly model: TrainableModel;
  readonly optimizer: AdamW;
  readonly maxGradNorm: number;
}

/** Forward, backward, clipping, AdamW. It reads no values and assigns nothing. */
export function optimizerStep(setup: Updated, batch: MicroBatch, { earlier, ...inputs }: StepInputs): StepResult {
  const { loss, grads } = addMicroBatch(setup.model, batch, earlier);
  const { grads: clipped, norm: gradNorm } = clipByGlobalNorm(grads, setup.maxGradNorm);
  return updateBy(setup, { loss, grads: clipped, gradNorm }, inputs);
}

/** AdamW, by the clipped gradients of the whole update; `gradNorm` is their norm before clipping. */
export function updateBy(
  { model, optimizer }: Omit<Updated, 'maxGradNorm'>,
  { loss, grads, gradNorm }: LossAndGradients & Pick<StepResult, 'gradNorm'>,
  { coefficients, wasFinite }: Omit<StepInputs, 'earlier'>,
): StepResult {
  const allFinite = wasFinite.logicalAnd(loss.isFinite()).logicalAnd(gradNorm.isFinite());
  const updated = optimizer.updated(grads, parametersOf(model), { coefficients, allFinite });
  return { loss, gradNorm, allFinite, updated };
}
