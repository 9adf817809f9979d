/** One joint update of all workers of a cluster: each computes the gradients of its own rows, and all apply the sum over the workers. */
import { tf } from '../../../runtime';
import type { SentBatch } from '../../data/sendBatch';
import type { StepFunctions, StepOutcome, StepSetup } from '../../step/compiledStep';
import type { StepInputs } from '../../step/optimizerStep';
import { parametersOf } from '../../trainableModel';
import { fuseNothing } from './fusedGradients';

/** A worker's share of an update, without its rows. */
export type JointShare = {
  /** The number of each part's batch in the update. */
  readonly indices: number[];
  /** The number of batches of the update, including those of the other workers. */
  readonly batches: number;
  /** See `agreement.ts`. */
  readonly said: tf.Tensor1D;
};

/** The share with its rows. */
type JointUpdate = JointShare & { readonly parts: readonly SentBatch[] };

/** Waits for the other workers. */
export function jointUpdate(
  { model, cluster }: StepSetup,
  { accumulate, fuse, updateAll }: StepFunctions,
  { parts, indices, batches, said }: JointUpdate,
  { earlier, ...inputs }: StepInputs,
): StepOutcome {
  const dropoutStep = model.dropoutStep;
  let sums = earlier;
  for (const [number, part] of parts.entries()) {
    // dropout masks depend on the batch's number in the update, not on its worker
    if (dropoutStep !== undefined) model.dropoutStep = dropoutStep + (indices[number] ?? 0);
    const before = sums;
    sums = accumulate(part, before);
    if (number > 0) tf.dispose(before);
  }
  if (dropoutStep !== undefined) model.dropoutStep = dropoutStep + batches;
  const fused = parts.length > 0 ? fuse(sums, said) : fuseNothing(parametersOf(model), said);
  const all = cluster ? cluster.sum(fused) : fused;
  return updateAll(all as tf.Tensor1D, inputs);
}
