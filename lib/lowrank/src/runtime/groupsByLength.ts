/** Items of similar length together, which keeps padding small. */
import { chunks } from './chunks';

/** The items in groups of `size`, the last one smaller, from the shortest to the longest; equal lengths keep their order. */
export function groupsByLength<T>(items: readonly T[], size: number, lengthOf: (item: T) => number): T[][] {
  return chunks(
    [...items].sort((a, b) => lengthOf(a) - lengthOf(b)),
    size,
  );
}
