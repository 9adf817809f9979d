/** LoRA's `rankPattern` and `alphaPattern`. */
import { firstMatches } from './regularExpression';

/** The values of a rank or alpha pattern for these paths, or the fallback; the first matching key counts. */
export function patternValues(pattern: Readonly<Record<string, number>>, paths: readonly string[], fallback: number): number[] {
  return keyOfEach(pattern, paths).map((index) => Object.values(pattern)[index] ?? fallback);
}

/** The keys of a pattern that none of these paths takes. */
export function idleKeys(pattern: Readonly<Record<string, number>>, paths: readonly string[]): string[] {
  const found = keyOfEach(pattern, paths);
  return Object.keys(pattern).filter((_, index) => !found.includes(index));
}

function keyOfEach(pattern: Readonly<Record<string, number>>, paths: readonly string[]): number[] {
  return firstMatches(
    Object.keys(pattern).map((key) => `^(?:.*\\.)?(?:${key})$`),
    paths,
  );
}
