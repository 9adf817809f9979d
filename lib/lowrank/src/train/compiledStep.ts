/** An update as the two functions that a device runs, compiled once for each shape of batch and each set of trained parameters. */
import { compile, tf } from '../runtime';
import { type SentBatch, unsent } from './data/sendBatch';
import type { ExecutionOptions } from './executionOptions';
import { addMicroBatch, type LossAndGradients } from './gradients';
import type { AdamW } from './optimizer/adamw';
import { optimizerStep, type StepInputs } from './optimizerStep';
import { parametersOf, type TrainableModel } from './trainableModel';

/** What a run trains, and how. */
export interface StepSetup extends ExecutionOptions {
  readonly model: TrainableModel;
  readonly optimizer: AdamW;
  readonly maxGradNorm: number;
}

/** Result of one update on the device. */
export type StepOutcome = {
  /** Loss and gradients' norm. Shape (2). */
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
}

/** Keeps the functions until other parameters are trained, or the optimizer's moments are replaced. */
export class CompiledStep {
  private made?: { readonly key: string; readonly functions: StepFunctions & { dispose(): void } };

  constructor(private readonly setup: StepSetup) {}

  /** The functions for what is trained now. */
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

/** They hold the model instead of taking it: a GPU would wait while the host walks through its fields at every update. */
function makeFunctions(setup: StepSetup): StepFunctions & { dispose(): void } {
  const accumulate: StepFunctions['accumulate'] = (batch, earlier) => tf.tidy(() => addMicroBatch(setup.model, unsent(batch), earlier));
  const update: StepFunctions['update'] = (batch, inputs) =>
    tf.tidy(() => {
      const { loss, gradNorm, allFinite, updated } = optimizerStep(setup, unsent(batch), inputs);
      for (const [variable, value] of updated) variable.assign(value);
      return { numbers: tf.stack([loss, gradNorm]), allFinite };
    });
  if (setup.compile === false) return { accumulate, update, dispose: () => undefined };
  const { precision } = setup;
  const compiled = {
    accumulate: compile(accumulate, { name: 'gradient_sums', precision, variesIn: 'shapes' }),
    update: compile(update, { name: 'training_step', precision, variesIn: 'shapes' }),
  };
  const dispose = () => {
    for (const each of Object.values(compiled)) each.dispose();
  };
  return { ...compiled, dispose };
}
