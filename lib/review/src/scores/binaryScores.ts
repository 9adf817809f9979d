import { ArgumentError } from 'lowrank';
import { checkPairs } from './checkPairs';

/** Scores of a yes/no task, each from 0 to 1. The positive class is "needs a review". */
export interface BinaryScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly accuracy: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** One point of a precision-recall curve. */
export interface ThresholdScores extends BinaryScores {
  /** The answer is yes at this probability and above. */
  readonly threshold: number;
}

/**
 * Precision, recall, F1 and accuracy. As in scikit-learn, a ratio of 0 to 0 is 0: precision without a positive answer, recall without
 * a positive label, F1 without either.
 *
 * @throws ArgumentError when there are no pairs, or the numbers of predictions and labels differ.
 */
export function binaryScores(predictions: readonly boolean[], labels: readonly boolean[]): BinaryScores {
  checkPairs(predictions, labels);
  const count = (predicted: boolean, label: boolean) => predictions.filter((p, i) => p === predicted && labels[i] === label).length;
  return scores(count(true, true), count(true, false), count(false, true), count(false, false));
}

/**
 * The scores at every threshold that changes them, from the highest probability down. Recall therefore never decreases.
 *
 * @throws ArgumentError when there are no pairs, the numbers of probabilities and labels differ, or a probability is not in 0…1.
 */
export function thresholdCurve(probabilities: readonly number[], labels: readonly boolean[]): ThresholdScores[] {
  checkPairs(probabilities, labels);
  const outside = probabilities.find((p) => !(p >= 0 && p <= 1));
  if (outside !== undefined) throw new ArgumentError(`probability ${outside} is not in 0…1`);
  const ranked = probabilities.map((probability, i) => ({ probability, label: labels[i] === true }));
  ranked.sort((a, b) => b.probability - a.probability);
  const positives = ranked.filter(({ label }) => label).length;
  const curve: ThresholdScores[] = [];
  let hits = 0;
  for (const [i, { probability, label }] of ranked.entries()) {
    if (label) hits++;
    if (ranked[i + 1]?.probability === probability) continue; // equal probabilities get the same answer
    const misses = i + 1 - hits;
    curve.push({ threshold: probability, ...scores(hits, misses, positives - hits, ranked.length - positives - misses) });
  }
  return curve;
}

function scores(truePositives: number, falsePositives: number, falseNegatives: number, trueNegatives: number): BinaryScores {
  const total = truePositives + falsePositives + falseNegatives + trueNegatives;
  return {
    precision: ratio(truePositives, truePositives + falsePositives),
    recall: ratio(truePositives, truePositives + falseNegatives),
    f1: ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    accuracy: (truePositives + trueNegatives) / total,
    truePositives,
    falsePositives,
    falseNegatives,
    trueNegatives,
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
