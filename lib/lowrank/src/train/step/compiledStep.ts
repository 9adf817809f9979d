/** An update as the two functions that a device runs, compiled once for each shape of batch and each set of trained parameters. */
import { compile, tf } from '../../runtime';
import type { Cluster } from '../cluster/cluster';
import { isAgreed, type Wishes } from '../cluster/update/agreement';
import { divide, fuse as fuseSums, unfuse } from '../cluster/update/fusedGradients';
import { type SentBatch, unsent } from '../data/sendBatch';
import type { ExecutionOptions } from '../executionOptions';
import type { AdamW } from '../optimizer/adamw';
import { clipByGlobalNorm } from '../optimizer/clipByGlobalNorm';
import { parametersOf, type TrainableModel } from '../trainableModel';
import { addMicroBatch, type LossAndGradients } from './gradients';
import { optimizerStep, type StepInputs, updateBy } from './optimizerStep';

/** The parameters that a run trains, and its settings. */
export interface StepSetup extends ExecutionOptions {
  readonly model: TrainableModel;
  readonly optimizer: AdamW;
  readonly maxGradNorm: number;
  /** The workers that make the updates together. */
  readonly cluster?: Cluster | undefined;
  /** In a cluster: this worker's current requests to all. */
  readonly wishes?: () => Wishes;
}

/** Result of one update on the device. */
export type StepOutcome = {
  /** Loss and norm of the gradients; in a cluster also the messages of the workers. Shape (2 + n). */
  readonly numbers: tf.Tensor;
  /** Whether these and all numbers before them are finite. Shape (), bool. */
  readonly allFinite: tf.Tensor;
};

/** The two functions of an update. */
export interface StepFunctions {
  /** Adds a micro-batch that is not the last. */
  readonly accumulate: (batch: SentBatch, earlier: LossAndGradients) => LossAndGradients;
  /** Adds the last micro-batch and assigns the updated parameters and moments. */
  readonly update: (batch: SentBatch, inputs: StepInputs) => StepOutcome;
  /** All sums of a worker as one tensor. */
  readonly fuse: (sums: LossAndGradients, said: tf.Tensor1D) => tf.Tensor1D;
  /** Assigns the parameters and moments updated by the fused sums of all workers. */
  readonly updateAll: (fused: tf.Tensor1D, inputs: Omit<StepInputs, 'earlier'>) => StepOutcome;
}

/** Keeps the functions until other parameters are trained, or the optimizer's moments are replaced. */
export class CompiledStep {
  private made?: { readonly key: string; readonly functions: StepFunctions & { dispose(): void } };

  constructor(private readonly setup: StepSetup) {}

  /** The functions for the parameters that are trained now. */
  functions(): StepFunctions {
    const { model, optimizer } = this.setup;
    const parameters = parametersOf(model);
    const key = [...parameters.values(), ...optimizer.prepare(parameters)].map(({ id }) => id).join();
    if (this.made?.key !== key) {
      this.dispose();
      this.made = { key, functions: makeFunctions(this.setup) };
    }
    return this.made.functions;
  }

  dispose(): void {
    this.made?.functions.dispose();
    delete this.made;
  }
}

/** They capture the model: as an argument, the host would walk through its fields at every update while the GPU waits. */
function makeFunctions(setup: StepSetup): StepFunctions & { dispose(): void } {
  const { model } = setup;
  const accumulate: StepFunctions['accumulate'] = (batch, earlier) =>
    tf.tidy(() => ofRows(model, batch, () => addMicroBatch(model, unsent(batch), earlier)));
  const update: StepFunctions['update'] = (batch, inputs) =>
    tf.tidy(() => {
      const { loss, gradNorm, allFinite, updated } = optimizerStep(setup, unsent(batch), inputs);
      for (const [variable, value] of updated) variable.assign(value);
      return { numbers: tf.stack([loss, gradNorm]), allFinite };
    });
  const fuse: StepFunctions['fuse'] = (sums, said) => tf.tidy(() => fuseSums(sums, parametersOf(model), said));
  const updateAll: StepFunctions['updateAll'] = (fused, { coefficients, wasFinite }) =>
    tf.tidy(() => {
      const parameters = parametersOf(model);
      const { gradients, loss: sum, said } = unfuse(fused, parameters);
      const { grads, norm } = clipByGlobalNorm({ gradients }, setup.maxGradNorm); // one call: the GPU waits for the host here
      const sums = { loss: sum, grads: divide(grads.gradients as tf.Tensor1D, parameters), gradNorm: norm };
      const agreed = wasFinite.logicalAnd(isAgreed(said));
      const { loss, gradNorm, allFinite, updated } = updateBy(setup, sums, { coefficients, wasFinite: agreed });
      for (const [variable, value] of updated) variable.assign(value);
      return { numbers: tf.concat1d([tf.stack([loss, gradNorm]) as tf.Tensor1D, said]), allFinite };
    });
  if (setup.compile === false) return { accumulate, update, fuse, updateAll, dispose: () => undefined };
  const { precision } = setup;
  const compiled = {
    accumulate: compile(accumulate, { name: 'gradient_sums', precision, variesIn: setup.cluster ? 'anything' : 'shapes' }),
    update: compile(update, { name: 'training_step', precision, variesIn: 'shapes' }),
    fuse: compile(fuse, { name: 'fused_gradients', precision }),
    // groups of parameters are compiled, and not all of them at once: more parameters then take no longer
    updateAll: compile(updateAll, { name: 'joint_update', precision, xla: false }),
  };
  const dispose = () => {
    for (const each of Object.values(compiled)) each.dispose();
  };
  return { ...compiled, dispose };
}

/** Tells dropout which rows of the batch these are. */
function ofRows<T>(model: TrainableModel, { rows }: SentBatch, run: () => T): T {
  if (!rows || !('dropoutRows' in model)) return run();
  model.dropoutRows = rows;
  try {
    return run();
  } finally {
    model.dropoutRows = undefined;
  }
}
