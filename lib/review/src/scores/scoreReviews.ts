/** The scores of a task, each with a bootstrap interval. */

import { ArgumentError } from 'lowrank';
import { checkKnown } from 'lowrank/internal';
import type { Prediction } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import { binaryScores, thresholdCurve } from './binaryScores';
import { sentenceBleu4 } from './bleu4';
import { type BootstrapOptions, bootstrapInterval, type ConfidenceInterval } from './bootstrapInterval';
import { exactMatch } from './exactMatch';

/** Scores of predictions, from 0 to 100. */
export type ReviewMetric = 'f1' | 'precision' | 'recall' | 'accuracy' | 'bleu4' | 'bleu4NoStopWords' | 'exactMatch';

/** One score of a task. */
export interface ReviewScore extends ConfidenceInterval {
  readonly metric: ReviewMetric;
  readonly examples: number;
}

/** A score over the examples in one language. */
export interface LanguageScore extends ReviewScore {
  /** `other` when the data does not name the language. */
  readonly language: string;
}

/** A metric as a function of the drawn examples, which the bootstrap calls once per resample. */
type PredictionStatistic = (drawn: readonly Prediction[]) => number;

/**
 * The metrics of a task. Necessity: F1, precision, recall and accuracy. Comment: BLEU-4 with and without stop words. Refinement:
 * BLEU-4 and exact match.
 *
 * @throws ArgumentError when there are no predictions, or an example has no answer of the task.
 */
export function reviewMetrics(task: ReviewTask, predictions: readonly Prediction[]): Map<ReviewMetric, PredictionStatistic> {
  if (predictions.length === 0) throw new ArgumentError('no predictions to score');
  checkLabelled(task, predictions);
  if (task === 'necessity') {
    const score = (name: 'f1' | 'precision' | 'recall' | 'accuracy') => (drawn: readonly Prediction[]) =>
      100 *
      binaryScores(
        drawn.map(({ text }) => text === 'yes'),
        drawn.map(isPositive),
      )[name];
    return new Map((['f1', 'precision', 'recall', 'accuracy'] as const).map((name) => [name, score(name)]));
  }
  const reference = ({ example }: Prediction) => example[ANSWERS[task]] ?? '';
  const meanOf = (scores: readonly number[]): PredictionStatistic => {
    const byPrediction = new Map(predictions.map((prediction, i) => [prediction, scores[i] ?? Number.NaN]));
    return (drawn) => drawn.reduce((sum, prediction) => sum + (byPrediction.get(prediction) ?? Number.NaN), 0) / drawn.length;
  };
  const texts = predictions.map(({ text }) => text);
  const references = predictions.map(reference);
  const bleu = (removeStopWords: boolean) => meanOf(sentenceBleu4(texts, references, { removeStopWords }));
  if (task === 'comment')
    return new Map([
      ['bleu4', bleu(false)],
      ['bleu4NoStopWords', bleu(true)],
    ]);
  const isExact = texts.map((text, i) => exactMatch([text], [references[i] ?? '']));
  return new Map([
    ['bleu4', bleu(false)],
    ['exactMatch', meanOf(isExact)],
  ]);
}

/**
 * Every metric of the task with its interval.
 *
 * @throws ArgumentError when there are no predictions, or an example has no answer of the task.
 */
export function scoreReviews(task: ReviewTask, predictions: readonly Prediction[], options: BootstrapOptions = {}): ReviewScore[] {
  checkKnown('scoreReviews', options, ['resamples', 'level', 'seed']);
  return Array.from(reviewMetrics(task, predictions), ([metric, statistic]) => ({
    metric,
    ...bootstrapInterval(predictions, { ...options, statistic }),
    examples: predictions.length,
  }));
}

/** The scores for each language, most frequent language first. */
export function scoreReviewsByLanguage(
  task: ReviewTask,
  predictions: readonly Prediction[],
  options: BootstrapOptions = {},
): LanguageScore[] {
  const byLanguage = new Map<string, Prediction[]>();
  for (const prediction of predictions) {
    const language = prediction.example.language || 'other';
    byLanguage.set(language, [...(byLanguage.get(language) ?? []), prediction]);
  }
  const ranked = [...byLanguage].sort(([, a], [, b]) => b.length - a.length);
  return ranked.flatMap(([language, own]) => scoreReviews(task, own, options).map((score) => ({ language, ...score })));
}

/** The probability threshold with the highest F1, and that F1 from 0 to 100. Choose it on validation data. */
export function bestThreshold(predictions: readonly Prediction[]): { readonly threshold: number; readonly f1: number } {
  checkLabelled('necessity', predictions);
  const curve = thresholdCurve(
    predictions.map(({ probability = Number.NaN }) => probability),
    predictions.map(isPositive),
  );
  const best = curve.reduce((a, b) => (b.f1 > a.f1 ? b : a));
  return { threshold: best.threshold, f1: 100 * best.f1 };
}

const ANSWERS = { necessity: 'needsReview', comment: 'comment', refinement: 'refinedCode' } as const;

function checkLabelled(task: ReviewTask, predictions: readonly Prediction[]): void {
  const without = predictions.find(({ example }) => example[ANSWERS[task]] === undefined)?.example;
  if (without) throw new ArgumentError(`example ${without.id} has no ${ANSWERS[task]} to score its answer by; leave it out`);
}

function isPositive({ example }: Prediction): boolean {
  return example.needsReview === true;
}
