/** Measures a model on the test part of a task and on plain texts. */
import { type EncodedExample, evaluateLoss, type LlamaForCausalLM, makeBatches, type PeftModel, type ProgressDisplay } from 'lowrank';
import { predictReviews } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import type { ReviewerTokenizer } from '../reviewerModel';
import { bestThreshold } from '../scores/scoreReviews';
import type { ExperimentConfig } from './experimentConfig';
import type { PlainTexts } from './plainTexts';

export interface Answer {
  readonly text: string;
  readonly probability?: number;
}

/** The mean loss over some tokens, in nats. */
export interface MeasuredLoss {
  readonly loss: number;
  readonly tokens: number;
}

/** Measurements of a model, from which every row can be rebuilt. */
export interface MeasuredCell {
  /** Answers to the test examples, in order. */
  readonly answers: readonly Answer[];
  /** Necessity: the threshold with the best F1 on the validation part. */
  readonly threshold?: number;
  /** Losses on the test responses, per batch. */
  readonly losses: readonly MeasuredLoss[];
  /** Losses on each plain text. */
  readonly code: readonly MeasuredLoss[];
  readonly english: readonly MeasuredLoss[];
}

/** Encoded examples of one task. */
export type EncodedSplits = Readonly<Record<keyof ReviewSplits, readonly EncodedExample[]>>;

/** Inputs that all cells share. */
export interface CellWork {
  readonly model: LlamaForCausalLM;
  readonly tokenizer: ReviewerTokenizer;
  readonly config: ExperimentConfig;
  /** The drawn examples of the task. */
  readonly splits: ReviewSplits;
  /** The same, encoded; those that do not fit are left out. */
  readonly encoded: EncodedSplits;
  readonly texts: PlainTexts;
  /** Folder for the training run of this cell, and then its adapter. */
  readonly folder: string;
  readonly progress?: ProgressDisplay;
  readonly signal?: AbortSignal;
}

export async function measureCell(model: PeftModel | LlamaForCausalLM, task: ReviewTask, work: CellWork): Promise<MeasuredCell> {
  const { tokenizer, config, splits, texts, signal } = work;
  const { maxLength, batchSize } = config;
  const maxNewTokens = task === 'necessity' ? 1 : config.maxNewTokens[task];
  const options = { maxLength: maxLength + maxNewTokens, maxNewTokens, batchSize: config.answersAtOnce, signal };
  const predictions = (examples: readonly ReviewExample[]) => predictReviews(model, tokenizer, task, examples, options);
  const threshold = task === 'necessity' ? bestThreshold(await predictions(splits.validation)).threshold : undefined;
  const padTokenId = tokenizer.eosTokenId ?? 0;
  const form = config.pack ? { pack: maxLength } : { bucketByLength: true };
  const losses = await lossesOf(model, makeBatches(work.encoded.test, { batchSize, padTokenId, ...form }), work);
  const plain = (list: readonly string[]) => {
    const ids = list.map((text) => tokenizer.encode(text).slice(0, maxLength));
    const rows = ids.map((row) => ({ inputIds: row, labels: row })); // every token is predicted from those before it
    return lossesOf(model, makeBatches(rows, { batchSize: 1, padTokenId }), work);
  };
  return {
    answers: (await predictions(splits.test)).map(({ text, probability }) => ({ text, ...(probability !== undefined && { probability }) })),
    ...(threshold !== undefined && { threshold }),
    losses,
    code: await plain(texts.code),
    english: await plain(texts.english),
  };
}

async function lossesOf(
  model: PeftModel | LlamaForCausalLM,
  batches: ReturnType<typeof makeBatches>,
  { config: { precision }, signal }: CellWork,
): Promise<MeasuredLoss[]> {
  const losses: MeasuredLoss[] = [];
  for (const batch of batches) {
    const { loss, tokens } = await evaluateLoss(model, [batch], { precision, signal });
    losses.push({ loss: rounded(loss), tokens });
  }
  return losses;
}

/** As many digits as the results of a cell store. */
export function rounded(value: number, digits = 6): number {
  return Number(value.toPrecision(digits));
}
