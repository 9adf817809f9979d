/** The answer of the necessity task as a probability, which allows trading precision for recall. */
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { AbortedError, ArgumentError, type Cluster, KeyValueCache, tf } from 'lowrank';
import { checkKnown, checkWhole, encodePrompt, leftMask, padLeft, sharedLength } from 'lowrank/internal';
import { answerInGroups, type Held } from './answerInGroups';
import type { ReviewPrompt } from './prompts';
import type { ReviewerModel, ReviewerTokenizer } from './reviewerModel';

/** How to run the prompts. */
export interface YesProbabilityOptions {
  /** Maximum tokens of a prompt; longer prompts lose code. @defaultValue the model's positions, less one */
  readonly maxLength?: number;
  /** Prompts per batch. @defaultValue 8 */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  /** Called with the number of answered prompts; in a cluster, it assumes that all workers are as far as this one. */
  readonly onProgress?: (done: number) => void;
  /** The workers that share the prompts. Each calls this with all prompts; all get the answers of a single process. */
  readonly cluster?: Cluster | undefined;
}

export const YES_PROBABILITY_OPTIONS = ['maxLength', 'batchSize', 'signal', 'onProgress', 'cluster'] as const;

/**
 * The probability of yes over no: `e^y / (e^y + e^n)`, where y and n are the logits of the first tokens of `yes` and `no` right after
 * the prompt. The logits of all other tokens are ignored. The common beginning of all prompts, the instruction, is read only once.
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
  checkKnown('yesProbability', options, YES_PROBABILITY_OPTIONS);
  const { maxLength = model.config.maxPositionEmbeddings - 1, batchSize = 8, cluster, signal, onProgress } = options;
  checkWhole('batchSize', batchSize);
  const answers = ['yes', 'no'].map((answer) => tokenizer.encode(answer, { addSpecialTokens: false })[0]);
  const [yes, no] = answers;
  if (yes === undefined || no === undefined || yes === no) throw new ArgumentError("this tokenizer's yes and no begin with the same token");
  const rows = prompts.map((prompt) => encodePrompt(tokenizer, prompt, { maxLength }));
  const tokens = [yes, no] as const;
  const shared = sharedLength(rows);
  const beginning = new KeyValueCache(model.config.numHiddenLayers);
  const ask = async (group: readonly number[], { stop, act }: Held) => {
    if (stop.aborted) throw new AbortedError('the yes/no prediction was stopped by its signal');
    if (shared >= LEAST_SHARED && beginning.length === 0) {
      tf.dispose(act(() => model.forward([rows[0]?.slice(0, shared) ?? []], { cache: beginning, logitsToKeep: 1 })));
      beginning.freeze();
    }
    const inputs = group.map((index) => rows[index] ?? []);
    const logits = act(() => answerLogits(model, inputs, tokens, beginning));
    const probabilities = logits.map(([y = Number.NaN, n = Number.NaN]) => 1 / (1 + Math.exp(n - y)));
    await turnOfTheEventLoop();
    return probabilities;
  };
  const settings = { call: 'yesProbability()', batchSize, cluster, settings: tokens, signal, onProgress };
  try {
    const probabilities = await answerInGroups<number | null>(model, rows, ask, settings);
    return probabilities.map((probability) => probability ?? Number.NaN); // workers tell each other null instead
  } finally {
    beginning.dispose();
  }
}

type Rows = readonly (readonly number[])[];

/** A shorter common beginning is not worth a pass of its own. */
const LEAST_SHARED = 16;

/** The logits of these tokens after each row, whose beginning has been read. Left padding aligns all rows at the last position. */
function answerLogits(model: ReviewerModel, rows: Rows, tokens: readonly number[], beginning: KeyValueCache): number[][] {
  const read = beginning.length;
  const rest = rows.map((row) => row.slice(read));
  const cache = read > 0 ? beginning : undefined;
  const isRagged = new Set(rows.map(({ length }) => length)).size > 1;
  const attentionMask = isRagged ? leftMask(rest).map((row) => [...Array<number>(read).fill(1), ...row]) : undefined;
  return tf.tidy(() => {
    const logits = model.forward(padLeft(rest, 0), { attentionMask, cache, logitsToKeep: 1 }); // (B, 1, V)
    return logits
      .squeeze<tf.Tensor2D>([1])
      .gather([...tokens], 1)
      .arraySync() as number[][];
  });
}
