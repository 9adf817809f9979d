/** One update that all workers of a cluster make together: each adds up the gradients of its own rows, and the sum over all workers is applied. */
import { tf } from '../../../runtime';
import type { SentBatch } from '../../data/sendBatch';
import type { StepFunctions, StepOutcome, StepSetup } from '../../step/compiledStep';
import type { StepInputs } from '../../step/optimizerStep';
import { parametersOf } from '../../trainableModel';
import { fuseNothing } from './fusedGradients';

/** What a worker's share of an update is, its rows excepted. */
export type JointShare = {
  /** Of each part: the number of its batch in the update. */
  readonly indices: number[];
  /** How many batches the update has, those of the other workers included. */
  readonly batches: number;
  /** See `agreement.ts`. */
  readonly said: tf.Tensor1D;
};

/** The share, and the rows that it is of. */
export type JointUpdate = JointShare & { readonly parts: readonly SentBatch[] };

/** Waits for the other workers. */
export function jointUpdate(
  { model, cluster }: StepSetup,
  { accumulate, fuse, updateAll }: StepFunctions,
  { parts, indices, batches, said }: JointUpdate,
  { earlier, ...inputs }: StepInputs,
): StepOutcome {
  const parameters = parametersOf(model);
  const dropoutStep = model.dropoutStep;
  let sums = earlier;
  for (const [number, part] of parts.entries()) {
    // the masks of a batch are those of its number in the update, whoever gets it
    if (dropoutStep !== undefined) model.dropoutStep = dropoutStep + (indices[number] ?? 0);
    const before = sums;
    sums = accumulate(part, before);
    if (number > 0) tf.dispose(before);
  }
  if (dropoutStep !== undefined) model.dropoutStep = dropoutStep + batches;
  const fused = parts.length > 0 ? fuse(sums, said) : fuseNothing(parameters, said);
  const all = cluster ? cluster.sum(fused) : fused;
  return updateAll(all as tf.Tensor1D, inputs);
}
