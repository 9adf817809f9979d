/** LoRA's `rankPattern` and `alphaPattern`. */
import { firstMatches } from './regularExpression';

/** The values of a rank or alpha pattern for these paths, or the fallback; the first matching key counts. */
export function patternValues(pattern: Readonly<Record<string, number>>, paths: readonly string[], fallback: number): number[] {
  const keys = Object.keys(pattern);
  const found = firstMatches(
    keys.map((key) => `^(?:.*\\.)?(?:${key})$`),
    paths,
  );
  return found.map((index) => Object.values(pattern)[index] ?? fallback);
}
