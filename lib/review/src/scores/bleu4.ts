/** The score of comments and code in the CodeReviewer and LLaMA-Reviewer papers. */
import { checkKnown } from 'lowrank/internal';
import { checkPairs, mean } from './checkPairs';
import { stopWords } from './stopWords';

/** How to prepare the texts. */
export interface BleuOptions {
  /**
   * Drop stop words first, as CodeReviewer does for comments but not for code. Published comment scores differ in this, so report
   * both. @defaultValue false
   */
  readonly removeStopWords?: boolean;
}

/**
 * BLEU-4 from 0 to 100 as CodeReviewer's evaluator computes it: the mean of a smoothed sentence BLEU over all pairs, rounded to two
 * digits.
 *
 * `BLEU = exp(¼ Σₙ log((cₙ + sₙ) / (gₙ + sₙ)) + min(0, 1 − (r + 1) / (p + 1)))`: `cₙ` of `gₙ` n-grams match, `s₁ = 0` and all other
 * `sₙ = 1` (Lin and Och 2004); `r` and `p` are the lengths of reference and prediction. An empty prediction scores `e^−r`.
 *
 * @throws ArgumentError when there are no pairs, or the numbers of predictions and references differ.
 */
export function bleu4(predictions: readonly string[], references: readonly string[], options: BleuOptions = {}): number {
  checkKnown('bleu4', options, ['removeStopWords']);
  return Number(mean(sentenceBleu4(predictions, references, options)).toFixed(2));
}

/**
 * The score of each pair, from 0 to 100 and not rounded. `bleu4` is their mean.
 *
 * @throws ArgumentError when there are no pairs, or the numbers of predictions and references differ.
 */
export function sentenceBleu4(predictions: readonly string[], references: readonly string[], options: BleuOptions = {}): number[] {
  checkKnown('sentenceBleu4', options, ['removeStopWords']);
  const { removeStopWords = false } = options;
  checkPairs(predictions, references);
  const words = (text: string) => bleuWords(text, removeStopWords);
  return predictions.map((prediction, i) => 100 * smoothedBleu(words(prediction), words(references[i] ?? '')));
}

// Letters and white space as Python defines them; JavaScript's \w and \s differ.
const letter = String.raw`\p{L}\p{N}`;
const space = String.raw`\t-\r\x1c-\x20\x85\p{Z}`;
const tokenPattern = new RegExp(`[${letter}_]+|[^${letter}_${space}]+`, 'gu');
const wordPattern = new RegExp(`[${letter}]+|[^${letter}${space}]`, 'gu');

/** Splits a text into lower-case runs of letters and single other characters. Stop words are dropped before the case is lost. */
function bleuWords(text: string, removeStopWords: boolean): readonly string[] {
  const tokens: readonly string[] = text.match(tokenPattern) ?? []; // nltk's wordpunct_tokenize
  const kept = removeStopWords ? tokens.filter((token) => !stopWords.has(token)) : tokens;
  return kept.join(' ').toLowerCase().match(wordPattern) ?? []; // the part of NIST's mteval-v11a that still applies
}

const tiny = 2.2250738585072014e-308; // Python's sys.float_info.min: keeps the logarithm of zero matches finite

function smoothedBleu(prediction: readonly string[], reference: readonly string[]): number {
  let logBleu = 0;
  for (let n = 1; n <= 4; n++) {
    const inReference = ngramCounts(reference, n);
    let matches = 0;
    for (const [ngram, count] of ngramCounts(prediction, n)) matches += Math.min(count, inReference.get(ngram) ?? 0);
    const smoothing = n === 1 ? 0 : 1;
    const candidates = Math.max(prediction.length - n + 1, 0);
    logBleu += Math.log(matches + smoothing + tiny) - Math.log(candidates + smoothing + tiny);
  }
  return Math.exp(logBleu / 4 + Math.min(0, 1 - (reference.length + 1) / (prediction.length + 1)));
}

function ngramCounts(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const ngram = words.slice(i, i + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}
