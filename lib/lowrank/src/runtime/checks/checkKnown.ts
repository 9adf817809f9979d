/** The names of options that come from a caller. */
import { ArgumentError } from '../errors';

/** Nothing more, or what no list can be where one of the names is missing in it: a new option is then an error of the compiler. */
type EveryNameOf<O extends object, L extends readonly string[]> = [Exclude<keyof O, L[number]>] extends [never] ? unknown : never;

/**
 * Checks that an object of options has no others than these: one that is misspelled would do nothing.
 *
 * @param known - all that there are
 * @param also - what else people call some of them, by their usual names
 * @throws ArgumentError that names the option, and the nearest that there is.
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

/** The name that looks most like this one, else the first that it is the beginning of, if any. */
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

/** How many letters must be put in, taken out or exchanged (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
