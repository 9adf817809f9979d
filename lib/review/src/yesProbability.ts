/** The answer of the necessity task as a probability, which allows trading precision for recall. */
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { AbortedError, ArgumentError, tf } from 'lowrank';
import { checkKnown, checkWhole, encodePrompt, interruptible, leftMask, padLeft } from 'lowrank/internal';
import type { ReviewPrompt } from './prompts';
import { longestFirst, type ReviewerModel, type ReviewerTokenizer } from './reviewerModel';

/** How to run the prompts. */
export interface YesProbabilityOptions {
  /** Maximum tokens of a prompt; longer prompts lose code. @defaultValue the model's positions, less one */
  readonly maxLength?: number;
  /** Prompts per forward pass. @defaultValue 8 */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  /** Called with the number of answered prompts. */
  readonly onProgress?: (done: number) => void;
}

/**
 * The probability of yes over no: `e^y / (e^y + e^n)`, where y and n are the logits of the first tokens of `yes` and `no` right after
 * the prompt. The logits of all other tokens are ignored.
 *
 * @throws ArgumentError when both answers begin with the same token; ShapeError when a prompt does not fit even without its code;
 * AbortedError when the signal aborts.
 */
export async function yesProbability(
  model: ReviewerModel,
  tokenizer: ReviewerTokenizer,
  prompts: readonly (Pick<ReviewPrompt, 'prompt'> & Partial<ReviewPrompt>)[],
  options: YesProbabilityOptions = {},
): Promise<number[]> {
  checkKnown('yesProbability', options, ['maxLength', 'batchSize', 'signal', 'onProgress']);
  const { maxLength = model.config.maxPositionEmbeddings - 1, batchSize = 8 } = options;
  checkWhole('batchSize', batchSize);
  const answers = ['yes', 'no'].map((answer) => tokenizer.encode(answer, { addSpecialTokens: false })[0]);
  const [yes, no] = answers;
  if (yes === undefined || no === undefined || yes === no) throw new ArgumentError("this tokenizer's yes and no begin with the same token");
  const rows = prompts.map((prompt) => encodePrompt(tokenizer, prompt, { maxLength }));
  return interruptible(options.signal, (signal) => askInGroups(model, rows, { ...options, batchSize, tokens: [yes, no], signal }));
}

interface Asking extends YesProbabilityOptions {
  readonly batchSize: number;
  readonly tokens: readonly [yes: number, no: number];
}

async function askInGroups(
  model: ReviewerModel,
  rows: readonly (readonly number[])[],
  { batchSize, tokens, signal, onProgress }: Asking,
): Promise<number[]> {
  const probabilities = new Array<number>(rows.length);
  let done = 0;
  for (const group of longestFirst(rows, batchSize)) {
    if (signal?.aborted) throw new AbortedError('the yes/no prediction was stopped by its signal');
    const inputs = group.map((index) => rows[index] ?? []);
    const logits = answerLogits(model, inputs, tokens);
    for (const [i, index] of group.entries()) {
      const [y = Number.NaN, n = Number.NaN] = logits[i] ?? [];
      probabilities[index] = 1 / (1 + Math.exp(n - y));
    }
    done += group.length;
    onProgress?.(done);
    await turnOfTheEventLoop();
  }
  return probabilities;
}

/** The logits of these tokens after each row. Left padding aligns all rows at the last position. */
function answerLogits(model: ReviewerModel, rows: readonly (readonly number[])[], tokens: readonly number[]): number[][] {
  const attentionMask = new Set(rows.map(({ length }) => length)).size > 1 ? leftMask(rows) : undefined;
  return tf.tidy(() => {
    const logits = model.forward(padLeft(rows, 0), { attentionMask, logitsToKeep: 1 }); // (B, 1, V)
    return logits
      .squeeze<tf.Tensor2D>([1])
      .gather([...tokens], 1)
      .arraySync() as number[][];
  });
}
