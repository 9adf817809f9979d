/**
 * The updates in flight on a GPU: their inputs are sent before the first one begins, and their results are read together, so the GPU does
 * not wait for the host after each. On a CPU, one update is in flight at a time.
 */
import { tf } from '../../runtime';
import { sendToDevice } from '../../runtime/device/sendToDevice';
import { checkTrainingMemory } from '../checkTrainingMemory';
import type { Cluster } from '../cluster/cluster';
import { readStatements, statement, type Wishes } from '../cluster/update/agreement';
import { type JointShare, jointUpdate } from '../cluster/update/jointUpdate';
import type { Batch } from '../data/batch';
import { type SentBatch, sentBatches } from '../data/sendBatch';
import { type Piece, piecesOf } from '../data/workerRows';
import { CompiledStep, type StepOutcome, type StepSetup } from './compiledStep';
import { noGradient } from './gradients';

interface UpdateNumbers {
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
}

/** The outcome of the updates in flight. */
export interface Settled {
  /** The numbers of the updates that were made; those of the last one may be NaN or infinite, and it has then changed nothing. */
  readonly numbers: readonly UpdateNumbers[];
  /** The reason why the others could not be made. */
  readonly error?: unknown;
}

/** The inputs of one update, on the device. */
type SentUpdate = {
  readonly parts: SentBatch[];
  readonly coefficients: tf.Tensor1D;
  /** In a cluster. */
  readonly joint?: JointShare;
  /** The initial value of the sums. Shape (). */
  readonly zero: tf.Scalar;
};

/**
 * The queue of one run. If the loss or the norm of the gradients is NaN or infinite, that update and every update after it in the queue
 * leave all parameters and moments unchanged.
 */
export class InFlight {
  private readonly queue: SentUpdate[] = [];
  private readonly step: CompiledStep;
  /** Rows times length² of the largest batch so far: the memory for a smaller batch is already allocated. */
  private largestBatch = 0;
  /** Whether an update has had a gradient: later updates may have none. */
  private hasReached = false;
  /** In a cluster: the agreement of all workers as of the newest update, the same in each of them. */
  agreed: Wishes | undefined;

  constructor(private readonly setup: StepSetup) {
    this.step = new CompiledStep(setup);
  }

  /** Sends the inputs of one update to the device: the mean loss over these batches. */
  push(batches: readonly Batch[]): void {
    const { model, optimizer, compile, cluster } = this.setup;
    const pieces = piecesOf(batches, cluster);
    this.checkMemory(pieces.map(({ batch }) => batch));
    const update = tf.tidy(() => {
      const coefficients = optimizer.coefficients(this.queue.length); // first: it throws for an invalid learning rate
      const parts = sentBatches(pieces, { compile, config: model.config });
      return { coefficients, parts, zero: tf.scalar(0), ...(cluster && { joint: this.joint(cluster, pieces, batches) }) };
    });
    this.queue.push(update);
    const { coefficients, zero, parts, joint } = update;
    const ofParts = parts.flatMap(({ tensors, weight }) => [...Object.values(tensors), weight]);
    sendToDevice([coefficients, zero, ...ofParts, ...(joint ? [joint.said] : [])]);
  }

  /**
   * Makes every update in the queue and returns their numbers, up to the first that are NaN or infinite; the optimizer counts the finite
   * ones. If an update cannot be made, the updates before it are made and counted.
   */
  settle(): Settled {
    const updates = this.queue.splice(0);
    const outcomes: StepOutcome[] = [];
    const numbers: UpdateNumbers[] = [];
    try {
      const failure = attempt(() => this.make(updates, outcomes));
      const unread = attempt(() => this.read(outcomes, numbers));
      return { numbers, ...(unread ?? failure) };
    } finally {
      tf.dispose([updates, outcomes]);
    }
  }

  private joint(cluster: Cluster, pieces: readonly Piece[], batches: readonly Batch[]): JointShare {
    const { optimizer, wishes = () => ({ stop: false, stepsAtOnce: 1 }) } = this.setup;
    const step = optimizer.step + this.queue.length;
    const said = statement(cluster, { step, batches, learningRate: optimizer.learningRateAt(step), wishes: wishes() });
    return { indices: pieces.map(({ index }) => index), batches: batches.length, said };
  }

  private make(updates: readonly SentUpdate[], outcomes: StepOutcome[]): void {
    if (updates.length === 0) return;
    const functions = this.step.functions();
    const { accumulate, update } = functions;
    for (const { parts, coefficients, zero, joint } of updates) {
      const outcome = tf.tidy(() => {
        const wasFinite = outcomes.at(-1)?.allFinite ?? tf.scalar(true, 'bool');
        let earlier = { loss: zero.clone(), grads: {} };
        if (joint) return jointUpdate(this.setup, functions, { parts, ...joint }, { earlier, coefficients, wasFinite });
        for (const part of parts.slice(0, -1)) {
          const before = earlier;
          earlier = accumulate(part, before);
          tf.dispose(before);
        }
        return update(parts.at(-1) as SentBatch, { earlier, coefficients, wasFinite });
      });
      outcomes.push(outcome);
    }
  }

  /** Waits for the device. */
  private read(outcomes: readonly StepOutcome[], read: UpdateNumbers[]): void {
    for (const { numbers } of outcomes) {
      const [loss = Number.NaN, gradNorm = Number.NaN, ...said] = numbers.dataSync();
      if (this.setup.cluster) this.agreed = readStatements(this.setup.cluster, said);
      if (!this.hasReached && gradNorm === 0 && loss !== 0) throw noGradient();
      read.push({ loss, gradNorm });
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) break;
      this.hasReached = true;
      this.setup.optimizer.countStep();
    }
  }

  private checkMemory(batches: readonly Batch[]): void {
    const { model, compile = true, precision } = this.setup;
    for (const batch of batches) {
      const size = batch.inputIds.length * (batch.inputIds[0]?.length ?? 0) ** 2;
      if (size <= this.largestBatch) continue;
      checkTrainingMemory(model, batch, { compile, precision });
      this.largestBatch = size;
    }
  }

  dispose(): void {
    tf.dispose(this.queue.splice(0));
    this.step.dispose();
  }
}

/** The error of the work, if it threw one. */
function attempt(work: () => void): { readonly error: unknown } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return { error };
  }
}
