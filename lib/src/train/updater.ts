/** One update as one call: forward, backward, clipping and AdamW, with everything that changes staying where it is. */
import { compile, tf } from '../runtime';
import type { AdamW } from './adamw';
import { type Batch, learnedTokens, tensorBatch } from './batch';
import { bucketed } from './bucketed';
import type { ExecutionOptions } from './execution';
import { addMicroBatch, clipSums, type GradientSums, type MicroBatch } from './step';
import { parametersOf, type TrainableModel } from './trainableModel';

/** The two numbers that come back of an update. */
export interface UpdateNumbers {
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
}

/** The two functions of an update: one for each batch but the last, and one for the last. */
interface Steps {
  readonly accumulate: (batch: MicroBatch, before: GradientSums) => GradientSums;
  readonly finish: (batch: MicroBatch, before: GradientSums, coefficients: tf.Tensor1D) => tf.Tensor;
  dispose(): void;
}

/**
 * Makes the updates of one run. Each form of batch is compiled once; where the loss or the gradients' norm is not finite, an update leaves
 * every parameter and moment as it is.
 */
export class Updater {
  /** The functions, for the parameters that were trained when they were made. */
  private steps?: { readonly parameters: string; readonly run: Steps };

  constructor(
    private readonly model: TrainableModel,
    private readonly optimizer: AdamW,
    private readonly maxGradNorm: number,
    private readonly options: ExecutionOptions,
  ) {}

  /** Makes one update of the mean loss over these batches; the optimizer counts it if its numbers are finite. */
  update(batches: readonly Batch[]): UpdateNumbers {
    const { accumulate, finish } = this.prepared();
    const [loss = Number.NaN, gradNorm = Number.NaN] = tf.tidy(() => {
      let sums: GradientSums = { loss: tf.scalar(0), grads: {} };
      const parts = this.microBatches(batches);
      for (const part of parts.slice(0, -1)) {
        const before = sums;
        sums = accumulate(part, before);
        tf.dispose(before);
      }
      const last = parts.at(-1) as MicroBatch;
      return finish(last, sums, this.optimizer.coefficients()).dataSync();
    });
    if (Number.isFinite(loss) && Number.isFinite(gradNorm)) this.optimizer.countStep();
    return { loss, gradNorm };
  }

  dispose(): void {
    this.steps?.run.dispose();
    delete this.steps;
  }

  private prepared(): Steps {
    const parameters = parametersOf(this.model);
    const key = Array.from(parameters, ([name, { id }]) => `${name} ${id}`).join();
    if (this.steps?.parameters === key) return this.steps.run;
    this.dispose();
    this.optimizer.prepare(parameters);
    const run = this.makeSteps();
    this.steps = { parameters: key, run };
    return run;
  }

  /** They hold the model instead of taking it: to read its form at every step takes longer than a GPU may be left waiting. */
  private makeSteps(): Steps {
    const { model, optimizer, maxGradNorm, options } = this;
    const accumulate: Steps['accumulate'] = (batch, before) => addMicroBatch(model, batch, before);
    const finish: Steps['finish'] = (batch, before, coefficients) =>
      tf.tidy(() => {
        const { loss, gradNorm, grads } = clipSums(addMicroBatch(model, batch, before), maxGradNorm);
        const isSound = loss.isFinite().logicalAnd(gradNorm.isFinite());
        optimizer.move(grads, parametersOf(model), { coefficients, isSound });
        return tf.stack([loss, gradNorm]);
      });
    if (!options.compile) return { accumulate, finish, dispose: () => undefined };
    const { precision } = options;
    const forms = {
      accumulate: compile(accumulate, { name: 'gradient_sums', precision }),
      finish: compile(finish, { name: 'training_step', precision }),
    };
    const dispose = () => {
      for (const form of Object.values(forms)) form.dispose();
    };
    return { ...forms, dispose };
  }

  private microBatches(batches: readonly Batch[]): MicroBatch[] {
    const counts = batches.map(learnedTokens);
    const total = counts.reduce((sum, count) => sum + count, 0);
    return batches.map((batch, index) => {
      const shaped = this.options.compile ? bucketed(batch, this.model.config?.maxPositionEmbeddings) : batch;
      return { ...tensorBatch(shaped), weight: tf.scalar((counts[index] ?? 0) / total) };
    });
  }
}
