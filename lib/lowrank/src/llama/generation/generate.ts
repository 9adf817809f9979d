/** Continues a prompt with the most likely token, a sampled token, or the most likely text found by beam search. */
import { setImmediate as turnOfTheEventLoop } from 'node:timers/promises';
import { AbortedError, deriveSeed, deviceInfo, seededRandom, tf } from '../../runtime';
import { canBuildGraphs } from '../../runtime/compile/tfjsInternals';
import { interruptible } from '../../runtime/interruptible';
import type { TokenRows } from '../checkInputs';
import { beamSearch } from './beamSearch';
import { CompiledDecoder } from './compiledDecoder';
import type { Decoder, GeneratingModel, Scores } from './decoder';
import { checkGenerationMemory, checkRequest, type GenerateOptions } from './generateOptions';
import { GrowingDecoder } from './growingDecoder';
import { checkedId, sampleToken } from './sampling';

/**
 * Continues each row of ids and returns the new ids per row, including the one that ended it.
 *
 * Rows of different lengths get the same ids as they would alone; a beginning that all share is computed once. The event loop runs between
 * tokens, so other work and interrupts can proceed. With `numBeams` above 1, each row returns `numReturnSequences` texts in a row, best
 * first.
 *
 * @throws ArgumentError for an option out of range, conflicting options, an id outside the vocabulary, or more tokens than the model has
 * positions; ShapeError when there is no prompt; NotFiniteError when a logit is NaN, or the largest infinite; AbortedError when `signal`, SIGINT or SIGTERM stopped it.
 */
export async function generate(model: GeneratingModel, inputIds: TokenRows, options: GenerateOptions = {}): Promise<number[][]> {
  const { maxNewTokens = 20 } = options;
  const prompts = inputIds instanceof tf.Tensor ? await inputIds.array() : inputIds;
  checkRequest(prompts, maxNewTokens, model.config, options);
  checkGenerationMemory(prompts, maxNewTokens, model.config, options);
  return interruptible(options.signal, (signal) => write(model, prompts, { ...options, maxNewTokens, signal }));
}

async function write(
  model: GeneratingModel,
  prompts: readonly (readonly number[])[],
  options: GenerateOptions & { readonly maxNewTokens: number },
): Promise<number[][]> {
  const { numBeams = 1, signal } = options;
  const stopIds = [options.eosTokenId ?? model.config.eosTokenId ?? []].flat();
  const between = async (tokens: number) => {
    await turnOfTheEventLoop();
    if (signal?.aborted) throw new AbortedError(`generation was stopped after ${tokens} tokens`);
  };
  const rules = { ...options, stopIds };
  const decoder = decoderOf(model, rules);
  try {
    if (signal?.aborted) throw new AbortedError('generation was stopped before its first token');
    return await (numBeams > 1 ? beamSearch(decoder, prompts, rules, between) : tokenByToken(decoder, prompts, rules, between));
  } finally {
    decoder.dispose();
  }
}

function decoderOf(model: GeneratingModel, { compile = true, precision = 'float32', maxNewTokens }: WritingRules): Decoder {
  const { compilable } = model;
  if (!compile || !compilable || !canBuildGraphs()) return new GrowingDecoder(model);
  return new CompiledDecoder(compilable, { maxNewTokens, precision });
}

/** The rules for continuing a row. */
interface WritingRules extends GenerateOptions {
  readonly maxNewTokens: number;
  readonly stopIds: readonly number[];
}

async function tokenByToken(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  rules: WritingRules,
  between: (tokens: number) => Promise<void>,
): Promise<number[][]> {
  const { temperature = 0, maxNewTokens, stopIds, onToken } = rules;
  const [choose, most] = temperature === 0 ? [likeliestIds, mostAtOnce(decoder)] : [drawnIds(prompts.length, rules), 1];
  const written: number[][] = prompts.map(() => []);
  const isDone = (row: number[]) => stopIds.includes(row.at(-1) ?? -1);
  let scores = decoder.prefill(prompts);
  for (let tokens = 0, count = 1; ; count = Math.min(2 * count, most, maxNewTokens - tokens)) {
    const chosen = chooseInTurn(decoder, scores, { count, choose });
    tokens += count;
    for (const ids of chosen) {
      for (const [index, row] of written.entries()) {
        if (isDone(row)) continue;
        const id = checkedId(ids[index] ?? 0);
        row.push(id);
        onToken?.(id, index);
      }
    }
    if (tokens === maxNewTokens || written.every(isDone)) return written;
    await between(tokens);
    scores = decoder.step(written.map((row) => row.at(-1) ?? 0)); // a row that has ended repeats its last token, and it does not matter
  }
}

/**
 * Maximum tokens chosen before the first of them is read. A GPU idles while its result is read, and stays busy when its host queues one
 * step after another. The number doubles up to this maximum, so the first token arrives at once.
 */
const mostAtOnce = (decoder: Decoder) => (decoder instanceof CompiledDecoder && deviceInfo().device === 'GPU' ? 8 : 1);

/** Chooses one id per row. Shapes: → (B). */
type Choice = (scores: Scores) => tf.Tensor1D;

/** Chooses this many ids per row, one after the other, and then reads them; disposes the scores. */
function chooseInTurn(
  decoder: Decoder,
  scores: Scores,
  { count, choose }: { readonly count: number; readonly choose: Choice },
): number[][] {
  const chosen: tf.Tensor1D[] = [];
  const chooseFrom = (given: Scores) => {
    try {
      const ids = choose(given);
      chosen.push(ids);
      return ids;
    } finally {
      tf.dispose(given);
    }
  };
  try {
    let last = chooseFrom(scores);
    while (chosen.length < count) last = chooseFrom(decoder.step(last));
    return tf.tidy(() => tf.concat(chosen).reshape<tf.Tensor2D>([count, -1]).arraySync());
  } finally {
    tf.dispose(chosen);
  }
}

/** The likeliest, which stay on the device. */
const likeliestIds: Choice = ({ likeliest }) => likeliest.clone();

/** Ids drawn from each row's own random sequence. */
function drawnIds(rows: number, { seed = 0, temperature, topP, topK }: GenerateOptions): Choice {
  const randoms = Array.from({ length: rows }, (_, row) => seededRandom(deriveSeed(seed, row)));
  const sampling = { temperature, topP, topK };
  return ({ logits }) => {
    const vocabSize = logits.shape[1];
    const values = logits.dataSync() as Float32Array;
    return tf.tensor1d(
      randoms.map((random, row) => sampleToken(values.subarray(row * vocabSize, (row + 1) * vocabSize), sampling, random)),
    );
  };
}
