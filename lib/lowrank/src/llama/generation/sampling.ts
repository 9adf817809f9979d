/** The choice of the next token from its logits. */
import { ArgumentError, NotFiniteError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkNumber } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';

/** The options of sampling. */
export interface SamplingOptions {
  /** Divides the logits: below 1 sharper, above 1 flatter; 0 takes the likeliest token. @defaultValue 0 */
  readonly temperature?: number;
  /** Draws from the likeliest tokens that together have this probability (Holtzman et al. 2020). @defaultValue 1 */
  readonly topP?: number;
  /** Draws from this many of the likeliest tokens. @defaultValue all */
  readonly topK?: number;
}

/** @throws ArgumentError with the option that is out of range. */
export function checkSampling({ temperature = 0, topP = 1, topK = 1 }: SamplingOptions): void {
  checkNumber('temperature', temperature);
  checkNumber('topP', topP);
  if (!(temperature >= 0 && temperature < Infinity)) throw new ArgumentError(`temperature ${temperature} is not 0 or above`);
  if (!(topP > 0 && topP <= 1)) throw new ArgumentError(`topP ${topP} is not above 0 and at most 1`);
  checkWhole('topK', topK);
}

/**
 * Draws one token: temperature, then topK, then topP, in the order of Hugging Face. The temperature must be above 0.
 *
 * @param random - returns numbers in [0, 1).
 * @throws NotFiniteError when a logit is NaN, or the largest infinite.
 */
export function sampleToken(logits: Float32Array, options: SamplingOptions, random: () => number): number {
  checkKnown('sampleToken', options, ['temperature', 'topP', 'topK']);
  const { temperature = 1, topP = 1, topK = logits.length } = options;
  const likeliest = logits.reduce((highest, logit) => Math.max(highest, logit), -Infinity);
  if (!Number.isFinite(likeliest)) throw notFinite(`the largest logit is ${likeliest}`);
  const odds = Float64Array.from(logits, (logit) => Math.exp((logit - likeliest) / temperature)); // the likeliest has 1
  const candidates = candidateTokens(odds, topK);
  const kept = topP < 1 ? nucleus(candidates, odds, topP) : candidates;
  let left = random() * kept.reduce((sum, id) => sum + (odds[id] ?? 0), 0);
  for (const id of kept) {
    left -= odds[id] ?? 0;
    if (left < 0) return id;
  }
  return kept[kept.length - 1] ?? 0; // rounding
}

/** The id, which is the likeliest of its row. @throws NotFiniteError when it is NaN: so it is marked where logits are. */
export function checkedId(id: number): number {
  if (Number.isNaN(id)) throw notFinite('a logit is NaN, or the largest infinite');
  return id;
}

function notFinite(what: string): NotFiniteError {
  return new NotFiniteError(`${what}, so no token can be chosen: the weights or an adapter's are not finite`);
}

/** The `topK` likeliest ids, likeliest first. */
function candidateTokens(odds: Float64Array, topK: number): Uint32Array {
  const ids = Uint32Array.from(odds.keys()).sort((a, b) => (odds[b] ?? 0) - (odds[a] ?? 0) || a - b);
  return ids.subarray(0, topK);
}

/** The first candidates that together reach `topP`; always at least one. */
function nucleus(candidates: Uint32Array, odds: Float64Array, topP: number): Uint32Array {
  const target = topP * candidates.reduce((sum, id) => sum + (odds[id] ?? 0), 0);
  let reached = 0;
  let count = 0;
  while (reached < target && count < candidates.length) reached += odds[candidates[count++] ?? 0] ?? 0;
  return candidates.subarray(0, Math.max(count, 1));
}
