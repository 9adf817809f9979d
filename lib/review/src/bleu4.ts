import { checkKnown } from 'lowrank/internal';
import { checkPairs, mean } from './pairs';
import { stopWords } from './stopWords';

/** How the texts are prepared. */
export interface BleuOptions {
  /**
   * Drop stop words first, as CodeReviewer does for comments but not for code. Published comment scores differ in this, so
   * report both. @defaultValue false
   */
  readonly removeStopWords?: boolean;
}

/**
 * BLEU-4 from 0 to 100 as CodeReviewer's evaluator computes it: the mean over all pairs of a smoothed sentence BLEU, rounded
 * to two digits.
 *
 * `BLEU = exp(¼ Σₙ log((cₙ + sₙ) / (gₙ + sₙ)) + min(0, 1 − (r + 1) / (p + 1)))` with matches `cₙ` of `gₙ` n-grams, `s₁ = 0` and
 * else 1 (Lin and Och 2004), and lengths `r` of the reference, `p` of the prediction; an empty prediction scores `e^−r`.
 *
 * @throws ArgumentError when there are no pairs, or not as many predictions as references.
 */
export function bleu4(predictions: readonly string[], references: readonly string[], options: BleuOptions = {}): number {
  checkKnown('bleu4', options, ['removeStopWords']);
  return Number(mean(sentenceBleu4(predictions, references, options)).toFixed(2));
}

/**
 * The score of each pair on its own, from 0 to 100 and not rounded: what `bleu4` is the mean of.
 *
 * @throws ArgumentError when there are no pairs, or not as many predictions as references.
 */
export function sentenceBleu4(predictions: readonly string[], references: readonly string[], options: BleuOptions = {}): number[] {
  checkKnown('sentenceBleu4', options, ['removeStopWords']);
  const { removeStopWords = false } = options;
  checkPairs(predictions, references);
  const words = (text: string) => bleuWords(text, removeStopWords);
  return predictions.map((prediction, i) => 100 * smoothedBleu(words(prediction), words(references[i] ?? '')));
}

// What Python calls letters and white space, which is not what JavaScript's \w and \s mean.
const letter = String.raw`\p{L}\p{N}`;
const space = String.raw`\t-\r\x1c-\x20\x85\p{Z}`;
const tokenPattern = new RegExp(`[${letter}_]+|[^${letter}_${space}]+`, 'gu');
const wordPattern = new RegExp(`[${letter}]+|[^${letter}${space}]`, 'gu');

/** Runs of letters and every other character on its own, in lower case; stop words go while capitals still tell. */
function bleuWords(text: string, removeStopWords: boolean): readonly string[] {
  const tokens: readonly string[] = text.match(tokenPattern) ?? []; // nltk's wordpunct_tokenize
  const kept = removeStopWords ? tokens.filter((token) => !stopWords.has(token)) : tokens;
  return kept.join(' ').toLowerCase().match(wordPattern) ?? []; // all that is left to do of NIST's mteval-v11a
}

const tiny = 2.2250738585072014e-308; // Python's sys.float_info.min: the logarithm of no match stays finite

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
