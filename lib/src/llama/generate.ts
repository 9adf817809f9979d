/** Writing on from a prompt, token by token. */
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { AbortedError, ArgumentError, deriveSeed, ShapeError, seededRandom, tf } from '../runtime';
import type { LlamaConfig } from './config';
import { checkIds, checkLength, type Rows } from './inputs';
import { KeyValueCache } from './kvCache';
import { checkSampling, type SamplingOptions, sampleToken } from './sampling';

/** How to write on. */
export interface GenerateOptions extends SamplingOptions {
  /** @defaultValue 20 */
  readonly maxNewTokens?: number;
  /** What a temperature above 0 draws from; each row has its own sequence. @defaultValue 0 */
  readonly seed?: number;
  /** The id, or ids, that end a row; `[]` for none. @defaultValue the configuration's */
  readonly eosTokenId?: number | readonly number[];
  /** Stops the work between two tokens. */
  readonly signal?: AbortSignal;
  /** Is told each new id and its row as soon as it is chosen. */
  readonly onToken?: (id: number, row: number) => void;
}

/** What generation needs of a model. */
export interface GeneratingModel {
  readonly config: LlamaConfig;
  /** Shapes: inputIds (B, T) → logits (B, 1, V). */
  forward(inputIds: Rows, options: { attentionMask?: Rows; cache: KeyValueCache; logitsToKeep: number }): tf.Tensor3D;
}

/**
 * Writes on from each row of ids, and gives the new ids per row, the one that ended it included.
 *
 * Rows of different lengths are padded on the left, and get the same ids as they would get alone. Between tokens the event
 * loop has its turn, so that other work, and an interrupt, come through.
 *
 * @throws ArgumentError for an option out of range, an id outside the vocabulary, or more tokens than the model has
 * positions; ShapeError when there is no prompt; AbortedError when `signal` stopped it.
 */
export async function generate(model: GeneratingModel, inputIds: Rows, options: GenerateOptions = {}): Promise<number[][]> {
  const { maxNewTokens = 20, signal, onToken } = options;
  const prompts = inputIds instanceof tf.Tensor ? await inputIds.array() : inputIds;
  checkRequest(prompts, maxNewTokens, model.config, options);
  const stopIds = [options.eosTokenId ?? model.config.eosTokenId ?? []].flat();
  const choose = tokenChooser(prompts.length, options);
  const written: number[][] = prompts.map(() => []);
  const isDone = (row: number[]) => stopIds.includes(row.at(-1) ?? -1);
  const padId = model.config.padTokenId ?? 0; // masked before the prompt, ignored after the end: any id does
  let { ids, attentionMask } = padLeft(prompts, padId);

  const cache = new KeyValueCache(model.config.numHiddenLayers);
  try {
    for (let n = 0; n < maxNewTokens; n++) {
      if (signal?.aborted) throw new AbortedError(`generation was stopped after ${n} tokens`);
      const logits = tf.tidy(() => model.forward(ids, { attentionMask, cache, logitsToKeep: 1 }).squeeze<tf.Tensor2D>([1])); // (B, V)
      const chosen = await choose(logits).finally(() => logits.dispose());
      for (const [index, row] of written.entries()) {
        const id = chosen[index] ?? padId;
        if (isDone(row)) continue;
        row.push(id);
        onToken?.(id, index);
      }
      if (written.every(isDone)) break;
      ids = chosen.map((id) => [id]);
      attentionMask = attentionMask?.map((row) => [...row, 1]);
      await turnOfTheEventLoop();
    }
  } finally {
    cache.dispose();
  }
  return written;
}

function checkRequest(prompts: readonly (readonly number[])[], maxNewTokens: number, config: LlamaConfig, options: GenerateOptions): void {
  checkSampling(options);
  if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 1) {
    throw new ArgumentError(`maxNewTokens ${maxNewTokens} is not a whole number of 1 or more`);
  }
  if (prompts.length === 0) throw new ShapeError('inputIds are empty: give at least one row');
  const empty = prompts.findIndex((row) => row.length === 0);
  if (empty >= 0) throw new ShapeError(`row ${empty} of inputIds is empty: give at least one token, for example bosTokenId`);
  checkIds(prompts, config.vocabSize);
  const longest = Math.max(...prompts.map((row) => row.length));
  checkLength(longest + maxNewTokens, config, `a prompt of ${longest} and maxNewTokens ${maxNewTokens}, together a sequence`);
}

/** Rows of one length, and the mask that hides what was added; no mask where nothing was. */
function padLeft(rows: readonly (readonly number[])[], padId: number): { ids: number[][]; attentionMask?: number[][] } {
  const width = Math.max(...rows.map((row) => row.length));
  const padded = (row: readonly number[], pad: number, value: (id: number) => number) => [
    ...Array<number>(width - row.length).fill(pad),
    ...row.map(value),
  ];
  const ids = rows.map((row) => padded(row, padId, (id) => id));
  const isRagged = rows.some((row) => row.length !== width);
  return { ids, attentionMask: isRagged ? rows.map((row) => padded(row, 0, () => 1)) : undefined };
}

/** The choice of one id per row: the likeliest, found on the device, or drawn from the row's own random sequence. */
function tokenChooser(rows: number, options: GenerateOptions): (logits: tf.Tensor2D) => Promise<number[]> {
  const { temperature = 0, seed = 0 } = options;
  if (temperature === 0) return async (logits) => Array.from(tf.tidy(() => logits.argMax(-1).dataSync()));
  const randoms = Array.from({ length: rows }, (_, row) => seededRandom(deriveSeed(seed, row)));
  return async (logits) => {
    const values = (await logits.data()) as Float32Array;
    const vocabSize = logits.shape[1];
    return randoms.map((random, row) => sampleToken(values.subarray(row * vocabSize, (row + 1) * vocabSize), options, random));
  };
}
