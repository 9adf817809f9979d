/** Groups items of similar length, which keeps padding small. */
import { chunks } from './chunks';

/** Groups of `size` items from the shortest to the longest; the last group may be smaller. Items of equal length keep their order. */
export function groupsByLength<T>(items: readonly T[], size: number, lengthOf: (item: T) => number): T[][] {
  return chunks(
    [...items].sort((a, b) => lengthOf(a) - lengthOf(b)),
    size,
  );
}
