/** One update as one call: forward, backward, clipping and AdamW, with everything that changes staying where it is. */
import { compile, tf } from '../runtime';
import { upload } from '../runtime/upload';
import { checkTrainingMemory } from './checkTrainingMemory';
import { type Batch, learnedTokens, type TensorBatch, tensorBatch } from './data/batch';
import { bucketed } from './data/padToBucket';
import type { ExecutionOptions } from './executionOptions';
import type { AdamW } from './optimizer/adamw';
import { addMicroBatch, clipSums, type GradientSums, type MicroBatch, noGradient } from './step';
import { parametersOf, type TrainableModel } from './trainableModel';

/** The two numbers that come back of an update. */
export interface UpdateNumbers {
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
}

/** The numbers of the updates that were made, and what kept the others from it. */
interface UpdatesRead {
  readonly numbers: readonly UpdateNumbers[];
  readonly error?: unknown;
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

/**
 * A micro-batch on its way: its whole numbers as float32, which has all that are below 2²⁴. TensorFlow keeps the integers that a function
 * takes on a GPU's host and copies them when the function asks, which waits until the GPU has done everything before.
 */
type SentBatch = { readonly whole: tf.NamedTensorMap; readonly weight: tf.Scalar };

/** All that an update takes, on the device before the first of its group begins. */
type SentUpdate = {
  readonly parts: SentBatch[];
  readonly coefficients: tf.Tensor1D;
  /** What the sums begin with. Shape (). */
  readonly zero: tf.Scalar;
};

/** The two functions of an update: one for each batch but the last, and one for the last. */
interface Steps {
  readonly accumulate: (batch: SentBatch, before: GradientSums) => GradientSums;
  readonly finish: (batch: SentBatch, before: Preceding) => Outcome;
  dispose(): void;
}

/**
 * Makes the updates of one run. Each form of batch is compiled once; where the loss or the gradients' norm is not finite, an update leaves
 * every parameter and moment as it is, and so does every update that was begun after it.
 */
export class Updater {
  /** Begun and not read, the oldest first. */
  private readonly begun: SentUpdate[] = [];
  /** Tokens times length of the largest batch so far, which its memory goes by. */
  private largestBatch = 0;
  /** The functions, for the parameters that were trained, and the moments that they had, when they were made. */
  private steps?: { readonly key: string; readonly run: Steps };
  /** Whether an update has been made: a later one may well have no gradient. */
  private hasReached = false;

  constructor(
    private readonly model: TrainableModel,
    private readonly optimizer: AdamW,
    private readonly maxGradNorm: number,
    private readonly options: ExecutionOptions,
  ) {}

  /** Freed memory stays with the process: a batch no larger than one before fits as that did. */
  private checkMemory(batches: readonly Batch[]): void {
    for (const batch of batches) {
      const size = batch.inputIds.length * (batch.inputIds[0]?.length ?? 0) ** 2;
      if (size <= this.largestBatch) continue;
      checkTrainingMemory(this.model, batch, this.options);
      this.largestBatch = size;
    }
  }

  /** Sends the device what one update of the mean loss over these batches takes. */
  begin(batches: readonly Batch[]): void {
    this.checkMemory(batches);
    const update = tf.tidy(() => {
      const coefficients = this.optimizer.coefficients(this.begun.length); // first: a learning rate that is none ends it here
      return { coefficients, parts: this.sentBatches(batches), zero: tf.scalar(0) };
    });
    this.begun.push(update);
    upload([update.coefficients, update.zero, ...update.parts.flatMap(({ whole, weight }) => [...Object.values(whole), weight])]);
  }

  /**
   * Makes all updates that have been begun, and gives their numbers up to the first that are not finite. The optimizer counts those that
   * are. All at once: a GPU takes in numbers, and hands out some, only when it has done everything that it was given. Where one cannot be
   * made, those before it are, and are counted.
   */
  read(): UpdatesRead {
    const updates = this.begun.splice(0);
    if (updates.length === 0) return { numbers: [] };
    const outcomes: Outcome[] = [];
    try {
      const failure = attempt(() => this.make(updates, outcomes));
      const numbers: UpdateNumbers[] = [];
      const unread = attempt(() => this.count(outcomes, numbers));
      return { numbers, ...(unread ?? failure) };
    } finally {
      tf.dispose([updates, outcomes]);
    }
  }

  private make(updates: readonly SentUpdate[], outcomes: Outcome[]): void {
    const { accumulate, finish } = this.prepared();
    for (const { parts, coefficients, zero } of updates) {
      const outcome = tf.tidy(() => {
        let sums: GradientSums = { loss: zero.clone(), grads: {} };
        for (const part of parts.slice(0, -1)) {
          const before = sums;
          sums = accumulate(part, before);
          tf.dispose(before);
        }
        const wasSound = outcomes.at(-1)?.isSound ?? tf.scalar(true, 'bool');
        return finish(parts.at(-1) as SentBatch, { sums, wasSound, coefficients });
      });
      outcomes.push(outcome);
    }
  }

  private count(outcomes: readonly Outcome[], read: UpdateNumbers[]): void {
    for (const { numbers } of outcomes) {
      const [loss = Number.NaN, gradNorm = Number.NaN] = numbers.dataSync();
      if (!this.hasReached && gradNorm === 0 && loss !== 0) throw noGradient();
      read.push({ loss, gradNorm });
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
      this.hasReached = true;
      this.optimizer.countStep();
    }
  }

  dispose(): void {
    tf.dispose(this.begun.splice(0));
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
    const accumulate: Steps['accumulate'] = (batch, before) => tf.tidy(() => addMicroBatch(model, received(batch), before));
    const finish: Steps['finish'] = (batch, { sums, wasSound, coefficients }) =>
      tf.tidy(() => {
        const { loss, gradNorm, grads } = clipSums(addMicroBatch(model, received(batch), sums), maxGradNorm);
        const isSound = wasSound.logicalAnd(loss.isFinite()).logicalAnd(gradNorm.isFinite());
        optimizer.move(grads, parametersOf(model), { coefficients, isSound });
        return { numbers: tf.stack([loss, gradNorm]), isSound };
      });
    if (!options.compile) return { accumulate, finish, dispose: () => undefined };
    const { precision } = options;
    const forms = {
      accumulate: compile(accumulate, { name: 'gradient_sums', precision, variesIn: 'shapes' }),
      finish: compile(finish, { name: 'training_step', precision, variesIn: 'shapes' }),
    };
    const dispose = () => {
      for (const form of Object.values(forms)) form.dispose();
    };
    return { ...forms, dispose };
  }

  private sentBatches(batches: readonly Batch[]): SentBatch[] {
    const counts = batches.map(learnedTokens);
    const total = counts.reduce((sum, count) => sum + count, 0);
    return batches.map((batch, index) => {
      const shaped = this.options.compile ? bucketed(batch, this.model.config?.maxPositionEmbeddings) : batch;
      const whole = Object.entries(tensorBatch(shaped, this.model.config?.vocabSize)).map(
        ([name, tensor]) => [name, asFloats(tensor)] as const,
      );
      return { whole: Object.fromEntries(whole), weight: tf.scalar((counts[index] ?? 0) / total) };
    });
  }
}

/** What the work threw, if it did. */
function attempt(work: () => void): { readonly error: unknown } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Made here, from values that are still here. */
function asFloats(tensor: tf.Tensor): tf.Tensor {
  return tf.tensor(Float32Array.from(tensor.dataSync()), tensor.shape);
}

/** The batch as the model takes it. */
function received({ whole, weight }: SentBatch): MicroBatch {
  const batch = Object.fromEntries(Object.entries(whole).map(([name, tensor]) => [name, tensor.toInt()])) as unknown as TensorBatch;
  return { ...batch, weight };
}
