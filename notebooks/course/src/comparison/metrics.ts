/** Names and number formats of the comparison's metrics. */
import type { ExperimentMetric } from 'lowrank-review';

/** Name, unit with a leading space, and decimals of each metric. */
export const METRICS: Readonly<Record<ExperimentMetric, { readonly name: string; readonly unit: string; readonly decimals: number }>> = {
  f1: { name: 'F1', unit: ' points', decimals: 1 },
  precision: { name: 'precision', unit: ' points', decimals: 1 },
  recall: { name: 'recall', unit: ' points', decimals: 1 },
  accuracy: { name: 'accuracy', unit: ' points', decimals: 1 },
  bleu4: { name: 'BLEU-4', unit: ' points', decimals: 1 },
  bleu4NoStopWords: { name: 'BLEU-4 without stop words', unit: ' points', decimals: 1 },
  exactMatch: { name: 'exact match', unit: ' points', decimals: 1 },
  perplexity: { name: 'perplexity', unit: '', decimals: 2 },
  codeLoss: { name: 'loss on plain code', unit: ' nats', decimals: 2 },
  englishLoss: { name: 'loss on English text', unit: ' nats', decimals: 2 },
};

/** A number with the decimals of its metric and a true minus sign; one that rounds to zero has no sign. */
export function numberText(metric: ExperimentMetric, value: number): string {
  const text = value.toFixed(METRICS[metric].decimals);
  return Number(text) === 0 ? text.replace('-', '') : text.replace('-', '−');
}
