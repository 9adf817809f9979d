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

/** What is on the device of an update that it has been given. */
type Outcome = {
  /** Loss and gradients' norm. Shape (2). */
  readonly numbers: tf.Tensor;
  /** Whether these and all numbers before them are finite. Shape (), bool. */
  readonly isSound: tf.Tensor;
};

/** What the last part of an update takes besides its batch. */
type Preceding = {
  readonly sums: GradientSums;
  /** That of the update before. */
  readonly wasSound: tf.Tensor;
  readonly coefficients: tf.Tensor1D;
};

/** The two functions of an update: one for each batch but the last, and one for the last. */
interface Steps {
  readonly accumulate: (batch: MicroBatch, before: GradientSums) => GradientSums;
  readonly finish: (batch: MicroBatch, before: Preceding) => Outcome;
  dispose(): void;
}

/**
 * Makes the updates of one run. Each form of batch is compiled once; where the loss or the gradients' norm is not finite, an update leaves
 * every parameter and moment as it is, and so does every update that was begun after it.
 */
export class Updater {
  /** Begun and not read, the oldest first. */
  private readonly pending: Outcome[] = [];
  /** The functions, for the parameters that were trained, and the moments that they had, when they were made. */
  private steps?: { readonly key: string; readonly run: Steps };

  constructor(
    private readonly model: TrainableModel,
    private readonly optimizer: AdamW,
    private readonly maxGradNorm: number,
    private readonly options: ExecutionOptions,
  ) {}

  /** Hands the device one update of the mean loss over these batches, without waiting for its numbers. */
  begin(batches: readonly Batch[]): void {
    const { accumulate, finish } = this.prepared();
    const outcome = tf.tidy(() => {
      const coefficients = this.optimizer.coefficients(this.pending.length); // first: a learning rate that is none ends it here
      let sums: GradientSums = { loss: tf.scalar(0), grads: {} };
      const parts = this.microBatches(batches);
      for (const part of parts.slice(0, -1)) {
        const before = sums;
        sums = accumulate(part, before);
        tf.dispose(before);
      }
      const last = parts.at(-1) as MicroBatch;
      const wasSound = this.pending.at(-1)?.isSound ?? tf.scalar(true, 'bool');
      return finish(last, { sums, wasSound, coefficients });
    });
    this.pending.push(outcome);
  }

  /**
   * Waits for all updates that have been begun, and gives their numbers up to the first that are not finite. The optimizer counts those that
   * are. All at once, because a GPU hands out a number only when it has done everything that it was given.
   */
  read(): UpdateNumbers[] {
    const outcomes = this.pending.splice(0);
    const read: UpdateNumbers[] = [];
    try {
      for (const { numbers } of outcomes) {
        const [loss = Number.NaN, gradNorm = Number.NaN] = numbers.dataSync();
        read.push({ loss, gradNorm });
        if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
        this.optimizer.countStep();
      }
    } finally {
      tf.dispose(outcomes);
    }
    return read;
  }

  dispose(): void {
    tf.dispose(this.pending.splice(0));
    this.forget();
  }

  private forget(): void {
    this.steps?.run.dispose();
    delete this.steps;
  }

  private prepared(): Steps {
    const parameters = parametersOf(this.model);
    const key = `${this.optimizer.generation}: ${Array.from(parameters, ([name, { id }]) => `${name} ${id}`)}`;
    if (this.steps?.key === key) return this.steps.run;
    this.forget();
    this.optimizer.prepare(parameters);
    const run = this.makeSteps();
    this.steps = { key, run };
    return run;
  }

  /** They hold the model instead of taking it: to read its form at every step takes longer than a GPU may be left waiting. */
  private makeSteps(): Steps {
    const { model, optimizer, maxGradNorm, options } = this;
    const accumulate: Steps['accumulate'] = (batch, before) => addMicroBatch(model, batch, before);
    const finish: Steps['finish'] = (batch, { sums, wasSound, coefficients }) =>
      tf.tidy(() => {
        const { loss, gradNorm, grads } = clipSums(addMicroBatch(model, batch, sums), maxGradNorm);
        const isSound = wasSound.logicalAnd(loss.isFinite()).logicalAnd(gradNorm.isFinite());
        optimizer.move(grads, parametersOf(model), { coefficients, isSound });
        return { numbers: tf.stack([loss, gradNorm]), isSound };
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
