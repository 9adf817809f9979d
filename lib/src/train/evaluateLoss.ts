/** The loss on data that is not trained on. */
import { setImmediate } from 'node:timers/promises';
import { AbortedError, ArgumentError, tf } from '../runtime';
import { type Batch, learnedTokens, tensorBatch } from './batch';
import type { TrainableModel } from './trainableModel';

/** How well a model predicts some batches. */
export interface Evaluation {
  /** The mean over all tokens of all batches, in nats. */
  readonly loss: number;
  /** `exp(loss)` */
  readonly perplexity: number;
  /** How many tokens were predicted. */
  readonly tokens: number;
}

type EvaluatedModel = Pick<TrainableModel, 'loss' | 'train' | 'eval' | 'isTraining'>;

/** How an evaluation can be stopped. */
export interface EvaluateOptions {
  readonly signal?: AbortSignal;
}

/**
 * The mean loss over every token that has a label, each token counting the same whatever batch it is in, without dropout.
 *
 * @throws ArgumentError when the batches have no label at all; AbortedError when the signal ends it.
 */
export async function evaluateLoss(
  model: EvaluatedModel,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  { signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const { isTraining } = model;
  model.eval?.();
  try {
    return await meanLoss(model, batches, signal);
  } finally {
    if (isTraining) model.train?.();
  }
}

async function meanLoss(
  model: EvaluatedModel,
  batches: Iterable<Batch> | AsyncIterable<Batch>,
  signal: AbortSignal | undefined,
): Promise<Evaluation> {
  let sum = 0;
  let tokens = 0;
  for await (const batch of batches) {
    if (signal?.aborted) throw new AbortedError('the evaluation was stopped by its signal; nothing has been changed');
    const count = learnedTokens(batch);
    if (count === 0) continue;
    sum += count * batchLoss(model, batch);
    tokens += count;
    await setImmediate(); // lets an interrupt and a display through
  }
  if (tokens === 0) throw new ArgumentError('the batches to evaluate have no label: all of them are -100, or there is no batch');
  const loss = sum / tokens;
  return { loss, perplexity: Math.exp(loss), tokens };
}

function batchLoss(model: EvaluatedModel, batch: Batch): number {
  return tf.tidy(() => {
    const { inputIds, labels, ...options } = tensorBatch(batch);
    return model.loss(inputIds, labels, options).dataSync()[0] ?? Number.NaN;
  });
}
