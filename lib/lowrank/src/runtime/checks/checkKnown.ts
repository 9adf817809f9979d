/** Checks the names of the options that a caller passes. */
import { ArgumentError } from '../errors';

/** `unknown` if the list names every option, else `never`: the compiler then reports an option that the list lacks. */
type EveryNameOf<O extends object, L extends readonly string[]> = [Exclude<keyof O, L[number]>] extends [never] ? unknown : never;

/**
 * Refuses options that do not exist: a misspelled one would have no effect.
 *
 * @param known - all options
 * @param also - other names that people use for some of them, and the right ones
 * @throws ArgumentError with the name of the option and the nearest valid one.
 */
export function checkKnown<O extends object, const L extends readonly string[]>(
  what: string,
  options: O,
  known: L & EveryNameOf<O, L>,
  also: Readonly<Record<string, string>> = {},
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ArgumentError(`${what}: the options are ${options === null ? 'null' : typeof options}, not an object`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const nearest = also[name] ?? nearestName(name, known);
    throw new ArgumentError(`${what} has no option '${name}'${nearest ? `; did you mean '${nearest}'?` : `; it has ${known.join(', ')}`}`);
  }
}

/** The most similar name, else the first name that begins with this one, if any. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.replace(/[^a-z0-9]/gi, '').toLowerCase();
  const given = plain(name);
  const near = known.map((candidate) => {
    const other = plain(candidate);
    const isPart = given.length > 2 && other.length > 2 && (other.includes(given) || given.includes(other));
    return { candidate, distance: isPart ? Math.min(1.5, editDistance(given, other)) : editDistance(given, other) };
  });
  const [best] = near.sort((a, b) => a.distance - b.distance);
  if (best && best.distance <= Math.max(1, given.length / 3)) return best.candidate;
  return given === '' ? undefined : known.find((candidate) => plain(candidate).startsWith(given));
}

/** The number of letters to insert, delete, replace or exchange with the next (Damerau 1964, each letter touched once). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = isExchanged ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
