/** Beam search: finds the most likely texts instead of the most likely next tokens. */
import { ArgumentError, tf } from '../../runtime';
import { checkNumber, checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import type { Decoder, Scores } from './decoder';
import { checkedId } from './sampling';

/** Width and stopping rule of beam search, with Hugging Face's names and meanings. */
export interface BeamSearchOptions {
  /** Number of unfinished texts per row; 1 disables the search. @defaultValue 1 */
  readonly numBeams?: number;
  /**
   * A finished text of n new tokens scores `Σ log p / n^lengthPenalty`: values above 0 favour longer texts, values below 0 shorter
   * ones. @defaultValue 1
   */
  readonly lengthPenalty?: number;
  /**
   * When a row is done. `true`: as soon as `numBeams` texts are finished. `false`: when, in addition, no unfinished text would score higher
   * if it ended now. `'never'`: only when no text can score higher at any length. @defaultValue false
   */
  readonly earlyStopping?: boolean | 'never';
  /** Number of texts to return per row, best first; at most `numBeams`. @defaultValue 1 */
  readonly numReturnSequences?: number;
}

/** @throws ArgumentError with the option that is out of range. */
export function checkBeams({ numBeams = 1, lengthPenalty = 1, earlyStopping = false, numReturnSequences = 1 }: BeamSearchOptions): void {
  checkWhole('numBeams', numBeams);
  checkNumber('lengthPenalty', lengthPenalty);
  checkOneOf('earlyStopping', earlyStopping, [true, false, 'never']);
  if (!Number.isSafeInteger(numReturnSequences) || numReturnSequences < 1 || numReturnSequences > numBeams) {
    throw new ArgumentError(`numReturnSequences ${numReturnSequences} is not between 1 and numBeams, which is ${numBeams}`);
  }
}

interface BeamSearchRules extends BeamSearchOptions {
  readonly maxNewTokens: number;
  readonly stopIds: readonly number[];
}

/** A text and the sum of its tokens' log-probabilities; for a finished text, that sum divided by its length penalty. */
interface Beam {
  readonly ids: readonly number[];
  readonly score: number;
}

/** A beam extended by one token. */
interface Continuation extends Beam {
  /** The index, within its row, of the beam that it extends. */
  readonly parent: number;
}

/** Initial score of all but the first beam of a row, as in Hugging Face: each row starts with one text, its prompt. */
const UNUSED = -1e9;

/**
 * The best continuations of each prompt, `numReturnSequences` per row, each with its stop token if it ended.
 *
 * @param between - awaited between two tokens
 */
export async function beamSearch(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
  rules: BeamSearchRules,
  between: (tokens: number) => Promise<void>,
): Promise<number[][]> {
  const { numBeams = 1, numReturnSequences = 1, stopIds, maxNewTokens } = rules;
  const searches = prompts.map(() => new RowSearch(rules));
  const width = Math.max(2, 1 + stopIds.length) * numBeams; // leaves enough to continue with if every beam ends
  const ofPrompts = decoder.prefill(prompts);
  const firstOfRows = prompts.flatMap((_, row) => Array<number>(numBeams).fill(row));
  decoder.selectRows(firstOfRows);
  let given: Scores = tf.tidy(() => ({
    logits: tf.gather(ofPrompts.logits, firstOfRows),
    likeliest: tf.gather(ofPrompts.likeliest, firstOfRows),
  }));
  tf.dispose(ofPrompts);
  for (let tokens = 1; ; tokens++) {
    const scores = searches.flatMap((search) => search.beams.map((beam) => beam.score));
    const { best, likeliest } = await bestContinuations(given, { scores, numBeams, width }).finally(() => tf.dispose(given));
    for (const [row, search] of searches.entries()) {
      if (!search.isDone) for (const id of likeliest.subarray(row * numBeams, (row + 1) * numBeams)) checkedId(id);
      search.advance(best[row] ?? [], tokens);
    }
    if (tokens === maxNewTokens || searches.every((search) => search.isDone)) break;
    await between(tokens);
    decoder.selectRows(searches.flatMap((search, row) => search.parents.map((parent) => row * numBeams + parent)));
    given = decoder.step(searches.flatMap((search) => search.beams.map((beam) => beam.ids.at(-1) ?? 0)));
  }
  return searches.flatMap((search) => search.finished.slice(0, numReturnSequences).map((beam) => [...beam.ids]));
}

/** A possible next token: the index of its beam in the row, its id, and the score of the text with it. */
interface Candidate {
  readonly parent: number;
  readonly id: number;
  readonly score: number;
}

/** The best candidates of each row, best first, computed on the device, and each beam's likeliest id. Shapes: logits (B·numBeams, V). */
async function bestContinuations(
  { logits, likeliest }: Scores,
  { scores, numBeams, width }: { scores: readonly number[]; numBeams: number; width: number },
): Promise<{ readonly best: Candidate[][]; readonly likeliest: Float32Array }> {
  const [beams, V] = logits.shape;
  const rows = beams / numBeams;
  const kept = Math.min(width, numBeams * V);
  const { values, indices } = tf.tidy(() => {
    const sums = tf.logSoftmax(logits).add(tf.tensor2d([...scores], [beams, 1]));
    return tf.topk(sums.reshape([rows, numBeams * V]), kept);
  });
  const read = Promise.all([values.data(), indices.data(), likeliest.data<'float32'>()]);
  const [sums, places, ids] = await read.finally(() => tf.dispose([values, indices]));
  const best = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: kept }, (_, k) => {
      const place = places[row * kept + k] ?? 0;
      return { parent: Math.floor(place / V), id: place % V, score: sums[row * kept + k] ?? UNUSED };
    }),
  );
  return { best, likeliest: ids };
}

class RowSearch {
  /** Unfinished texts, best first. */
  beams: readonly Beam[];
  /** For each beam, the index of the previous beam that it extends. */
  parents: readonly number[] = [];
  /** Finished texts, best first, at most `numBeams`. */
  finished: readonly Beam[] = [];
  readonly #rules: Required<Pick<BeamSearchRules, 'numBeams' | 'lengthPenalty' | 'earlyStopping'>> & BeamSearchRules;
  #canImprove = true;

  constructor(rules: BeamSearchRules) {
    this.#rules = {
      ...rules,
      numBeams: rules.numBeams ?? 1,
      lengthPenalty: rules.lengthPenalty ?? 1,
      earlyStopping: rules.earlyStopping ?? false,
    };
    this.beams = Array.from({ length: this.#rules.numBeams }, (_, beam) => ({ ids: [], score: beam === 0 ? 0 : UNUSED }));
  }

  get isDone(): boolean {
    return !this.#canImprove || (this.#rules.earlyStopping === true && this.#isFull);
  }

  get #isFull(): boolean {
    return this.finished.length === this.#rules.numBeams;
  }

  /** Processes the best candidates, best first; with them, the texts have `tokens` new tokens. */
  advance(candidates: readonly Candidate[], tokens: number): void {
    const { numBeams, maxNewTokens, stopIds } = this.#rules;
    const continuations = candidates.map(({ parent, id, score }) => ({ parent, score, ids: [...(this.beams[parent]?.ids ?? []), id] }));
    const ends = ({ ids }: Continuation) => tokens === maxNewTokens || stopIds.includes(ids.at(-1) ?? -1);
    if (!this.isDone) this.#finish(continuations.slice(0, numBeams).filter(ends), tokens);
    const open = continuations.filter((continuation) => !ends(continuation)).slice(0, numBeams);
    if (open.length === 0) {
      this.#canImprove = false; // the last token, or a vocabulary with only stop tokens
      return;
    }
    this.beams = open;
    this.parents = open.map(({ parent }) => parent);
    this.#canImprove &&= this.#bestPossible(tokens) > this.#worstFinished;
  }

  #finish(ended: readonly Beam[], tokens: number): void {
    const { numBeams, lengthPenalty } = this.#rules;
    const scored = ended.map(({ ids, score }) => ({ ids, score: score / tokens ** lengthPenalty }));
    this.finished = [...this.finished, ...scored].sort((a, b) => b.score - a.score).slice(0, numBeams);
  }

  /** The highest score that the best unfinished text could reach. */
  #bestPossible(tokens: number): number {
    const { earlyStopping, lengthPenalty, maxNewTokens } = this.#rules;
    const length = earlyStopping === 'never' && lengthPenalty > 0 ? maxNewTokens : tokens;
    return (this.beams[0]?.score ?? UNUSED) / length ** lengthPenalty;
  }

  get #worstFinished(): number {
    return this.#isFull ? (this.finished.at(-1)?.score ?? UNUSED) : UNUSED;
  }
}
