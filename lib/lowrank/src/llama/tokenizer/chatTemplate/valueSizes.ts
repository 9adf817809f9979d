/** The sizes of a template's values, counted in characters, and of what its filters make of them. */
import { LINE_ENDS } from './python/strings';
import { behind } from './series';
import type { Value } from './value';

/** The size of a list's entry, in characters. */
export const ENTRY = 16;

export interface Size {
  /** In characters. */
  readonly size: number;
  /** The nesting depth of lists and mappings. */
  readonly depth: number;
}

/** Measures values; each list or mapping is measured once. */
export class ValueSizes {
  readonly #sizes = new WeakMap<Value, Size>();

  /** Whether the value is a list or mapping that was measured before. */
  has(value: Value): boolean {
    return this.#sizes.has(value);
  }

  /** The size of a value with all that it contains, which may be one value many times over. */
  of(given: Value): Size {
    const value = behind(given) ?? given;
    const content = value.value;
    if (typeof content === 'string') return { size: content.length, depth: 1 };
    if (!Array.isArray(content) && !(content instanceof Map)) return { size: 0, depth: 1 };
    const known = this.#sizes.get(value);
    if (known) return known;
    this.#sizes.set(value, { size: 0, depth: 1 }); // a namespace can hold itself
    const sum = { size: 0, depth: 0 };
    for (const item of content.values()) {
      const { size, depth } = this.of(item);
      sum.size += ENTRY + size;
      sum.depth = Math.max(sum.depth, depth);
    }
    if (content instanceof Map) for (const key of content.keys()) sum.size += String(key).length;
    const found = { size: sum.size, depth: sum.depth + 1 };
    this.#sizes.set(value, found);
    return found;
  }
}

/** The number of characters that an argument stands for: a text, a number of blanks, or several of these. */
export function insertedSize({ value }: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return value.length;
  const items: readonly Value[] = value instanceof Map ? [...value.values()] : Array.isArray(value) ? value : [];
  return items.reduce((longest, item) => Math.max(longest, insertedSize(item)), 0);
}

/** The number of places where a filter puts its argument into a text or a list. */
export function placesIn(value: unknown, filter: string, first: unknown): number {
  if (typeof value !== 'string') return Array.isArray(value) ? value.length : 0;
  if (filter === 'join') return value.length;
  if (filter === 'indent') return value.split(LINE_ENDS).length;
  return typeof first === 'string' ? occurrences(value, first) : value.length + 1;
}

/** The number of occurrences of a text in another, plus one. */
function occurrences(text: string, sought: string): number {
  if (sought === '') return text.length + 1;
  let count = 1;
  for (let at = text.indexOf(sought); at !== -1; at = text.indexOf(sought, at + sought.length)) count++;
  return count;
}
