/** The loss on held-out data. */
import { setImmediate } from 'node:timers/promises';
import { sha256 } from '../io/sha256';
import { AbortedError, ArgumentError, compile, tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkPrecision } from '../runtime/compile/precision';
import { interruptible } from '../runtime/interruptible';
import { weightedMean } from '../runtime/weightedMean';
import { checkEvaluationMemory } from './checkTrainingMemory';
import type { Cluster } from './cluster/cluster';
import { gatherLosses, isShareOf } from './cluster/gatherLosses';
import { shakeHands } from './cluster/join/handshake';
import { modelFacts } from './cluster/join/runFacts';
import { type Batch, checkBatch, learnedTokens } from './data/batch';
import { checksum } from './data/batchChecksum';
import { padToBucket } from './data/padToBucket';
import { type TensorBatch, tensorBatch } from './data/tensorBatch';
import type { ExecutionOptions } from './executionOptions';
import type { TrainableModel } from './trainableModel';

/** The quality of a model's predictions on some batches. */
export interface Evaluation {
  /** The mean over all tokens of all batches, in nats. */
  readonly loss: number;
  /** `exp(loss)` */
  readonly perplexity: number;
  /** The number of predicted tokens. */
  readonly tokens: number;
}

/** The part of a model that an evaluation needs. */
export type EvaluatedModel = Pick<
  TrainableModel,
  'loss' | 'train' | 'eval' | 'isTraining' | 'config' | 'namedParameters' | 'peftConfig' | 'activeAdapters'
> &
  Partial<Pick<TrainableModel, 'trainableParameters'>>;

/** The options of an evaluation. */
export interface EvaluateOptions extends ExecutionOptions {
  readonly signal?: AbortSignal;
  /** Called with the number of evaluated batches. */
  readonly onProgress?: (batches: number) => void;
  /** The workers that share the batches. Each calls this with all batches; all get the numbers of a single process. */
  readonly cluster?: Cluster | undefined;
}

/**
 * The mean loss over all tokens with a label, without dropout. Each token has the same weight in every batch.
 *
 * @throws ArgumentError when the batches have no label, or for an option that has no effect; MemoryError for a batch that does not fit;
 * StateError when the workers have another model, or other batches; AbortedError when the signal, SIGINT or SIGTERM ends it.
 */
export async function evaluateLoss(
  model: EvaluatedModel,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkKnown('evaluateLoss', options, ['signal', 'onProgress', 'compile', 'precision', 'cluster']);
  checkPrecision(options);
  const { cluster } = options;
  return interruptible(options.signal, (signal) => {
    const isApart = cluster?.isTogether === false;
    const work = async () => {
      const { compile = true, precision = 'float32' } = options;
      if (isApart) await shakeHands(cluster, { ...modelFacts(model), options: JSON.stringify({ compile, precision }) });
      return meanLoss(model, batches, { ...options, signal });
    };
    return cluster ? cluster.together(work) : work();
  });
}

async function meanLoss(
  model: EvaluatedModel,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  { signal, onProgress, cluster, ...execution }: EvaluateOptions,
): Promise<Evaluation> {
  const counts: number[] = [];
  const losses: number[] = [];
  const digests: Buffer[] = [];
  let done = 0;
  for await (const batch of batches) {
    if (signal?.aborted && !cluster) throw stopped();
    checkBatch(batch, `batch ${done} to evaluate`);
    done++;
    if (cluster) digests.push(checksum([batch]));
    const count = learnedTokens(batch);
    if (count === 0) continue;
    const isMine = isShareOf(cluster, counts.length) && !signal?.aborted;
    losses.push(isMine ? withoutDropout(model, () => batchLoss(model, batch, execution)) : 0);
    counts.push(count);
    onProgress?.(done);
    await setImmediate(); // for an interrupt or a display
  }
  const gathered = cluster
    ? gatherLosses(cluster, { losses, digest: sha256(Buffer.concat(digests)), wantsStop: signal?.aborted === true })
    : losses;
  if (!gathered) throw stopped();
  const tokens = counts.reduce((total, count) => total + count, 0);
  if (tokens === 0) throw new ArgumentError('the batches to evaluate have no label: all of them are -100, or there is no batch');
  const loss = weightedMean(gathered, counts);
  return { loss, perplexity: Math.exp(loss), tokens };
}

/** One that is not a number is never the lowest; infinite if there is no other. A long run has more of them than a call takes arguments. */
export function lowestLoss(losses: readonly number[]): number {
  return losses.reduce((least, loss) => (Number.isNaN(loss) ? least : Math.min(least, loss)), Number.POSITIVE_INFINITY);
}

function stopped(): AbortedError {
  return new AbortedError('the evaluation was stopped by its signal; nothing has been changed');
}

/** The mode is set for each batch separately: in between, a training run may use the same model. */
function withoutDropout<T>(model: EvaluatedModel, run: () => T): T {
  const { isTraining } = model;
  model.eval?.();
  try {
    return run();
  } finally {
    if (isTraining) model.train?.();
  }
}

const lossOf = (model: EvaluatedModel, { inputIds, labels, ...options }: TensorBatch) => model.loss(inputIds, labels, options);

/** Shared by all evaluations: models of the same structure are compiled once. */
const COMPILED = {
  float32: compile(lossOf, { name: 'evaluation', precision: 'float32', variesIn: 'shapes' }),
  bfloat16: compile(lossOf, { name: 'evaluation', precision: 'bfloat16', variesIn: 'shapes' }),
} as const;

function batchLoss(model: EvaluatedModel, batch: Batch, { compile: isCompiled = true, precision = 'float32' }: ExecutionOptions): number {
  const run = isCompiled ? COMPILED[precision] : lossOf;
  if (isCompiled) checkEvaluationMemory(model, batch, { precision });
  return tf.tidy(() => {
    const shaped = isCompiled ? padToBucket(batch, model.config?.maxPositionEmbeddings) : batch;
    return run(model, tensorBatch(shaped, model.config?.vocabSize)).dataSync()[0] ?? Number.NaN;
  });
}
