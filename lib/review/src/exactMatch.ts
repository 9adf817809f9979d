import { checkPairs } from './pairs';

/**
 * Share of predictions, from 0 to 100, equal to their reference once every run of white space is one blank; capitals count.
 *
 * @throws ArgumentError when there are no pairs, or not as many predictions as references.
 */
export function exactMatch(predictions: readonly string[], references: readonly string[]): number {
  checkPairs(predictions, references);
  const hits = predictions.filter((prediction, i) => collapsed(prediction) === collapsed(references[i] ?? '')).length;
  return (100 * hits) / predictions.length;
}

function collapsed(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
