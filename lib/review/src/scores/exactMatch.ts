import { checkPairs } from './checkPairs';

/**
 * Share of predictions, from 0 to 100, that equal their reference after every run of white space is replaced by one blank. Case
 * matters.
 *
 * @throws ArgumentError when there are no pairs, or the numbers of predictions and references differ.
 */
export function exactMatch(predictions: readonly string[], references: readonly string[]): number {
  checkPairs(predictions, references);
  const hits = predictions.filter((prediction, i) => collapsed(prediction) === collapsed(references[i] ?? '')).length;
  return (100 * hits) / predictions.length;
}

function collapsed(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
