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

/**
 * Makes the updates of one run. Each form of batch is compiled once; where the loss or the gradients' norm is not finite, an update leaves
 * every parameter and moment as it is.
 */
export class Updater {
  private readonly accumulate: typeof addMicroBatch;
  private readonly finish: (...args: [...Parameters<typeof addMicroBatch>, coefficients: tf.Tensor1D]) => tf.Tensor;
  private readonly compiled: readonly { dispose(): void }[];

  constructor(
    private readonly model: TrainableModel,
    private readonly optimizer: AdamW,
    private readonly maxGradNorm: number,
    private readonly options: ExecutionOptions,
  ) {
    const finish: typeof this.finish = (on, batch, before, coefficients) =>
      tf.tidy(() => {
        const { loss, gradNorm, grads } = clipSums(addMicroBatch(on, batch, before), this.maxGradNorm);
        const isSound = loss.isFinite().logicalAnd(gradNorm.isFinite());
        this.optimizer.move(grads, parametersOf(on), { coefficients, isSound });
        return tf.stack([loss, gradNorm]);
      });
    const { precision } = options;
    const forms = {
      accumulate: compile(addMicroBatch, { name: 'gradient_sums', precision }),
      finish: compile(finish, { name: 'training_step', precision }),
    };
    this.accumulate = options.compile ? forms.accumulate : addMicroBatch;
    this.finish = options.compile ? forms.finish : finish;
    this.compiled = Object.values(forms);
  }

  /** Makes one update of the mean loss over these batches; the optimizer counts it if its numbers are finite. */
  update(batches: readonly Batch[]): UpdateNumbers {
    this.optimizer.prepare(parametersOf(this.model));
    const [loss = Number.NaN, gradNorm = Number.NaN] = tf.tidy(() => {
      let sums: GradientSums = { loss: tf.scalar(0), grads: {} };
      const parts = this.microBatches(batches);
      for (const part of parts.slice(0, -1)) {
        const before = sums;
        sums = this.accumulate(this.model, part, before);
        tf.dispose(before);
      }
      const last = parts.at(-1) as MicroBatch;
      return this.finish(this.model, last, sums, this.optimizer.coefficients()).dataSync();
    });
    if (Number.isFinite(loss) && Number.isFinite(gradNorm)) this.optimizer.countStep();
    return { loss, gradNorm };
  }

  dispose(): void {
    for (const fn of this.compiled) fn.dispose();
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
