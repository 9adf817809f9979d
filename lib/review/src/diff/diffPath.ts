/** Parses the paths in a diff header, and derives the language from them. */

const languages: readonly (readonly [RegExp, string])[] = [
  [/\.(c|h)$/i, 'c'],
  [/\.(cc|cpp|cxx|hh|hpp|hxx)$/i, 'c++'],
  [/\.cs$/i, 'c#'],
  [/\.go$/i, 'go'],
  [/\.java$/i, 'java'],
  [/\.(js|cjs|mjs|jsx)$/i, 'javascript'],
  [/\.php$/i, 'php'],
  [/\.pyi?$/i, 'python'],
  [/\.rb$/i, 'ruby'],
  [/\.(ts|cts|mts|tsx)$/i, 'typescript'],
];

/** The language by file name, in lower case; empty for an unknown one. */
export function languageOfPath(path: string): string {
  return languages.find(([pattern]) => pattern.test(path))?.[1] ?? '';
}

/** The paths on the two sides of a diff, with their prefixes; undefined means `/dev/null`, that is, no file. */
export interface Sides {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** The path in a `---` or `+++` line, without quotes, octal escapes, or the date that plain `diff` appends. */
export function headerPath(text: string): string | undefined {
  const path = unquoted(text.replace(/\r$/, '').replace(/\t.*$/s, ''));
  return path === '/dev/null' ? undefined : path;
}

/** The prefix pairs that git itself writes: the standard one and those of `diff.mnemonicPrefix`; `-R` swaps them. */
const prefixPairs: ReadonlySet<string> = new Set(['ab', 'iw', 'ci', 'cw', 'ow', '12'].flatMap((pair) => [pair, `${pair[1]}${pair[0]}`]));

/**
 * The file name that both sides share, without prefixes. Two equal sides have no prefix (`diff.noprefix`). Different sides have git's
 * prefixes, or custom ones that end where the sides begin to agree (`--src-prefix`, `--dst-prefix`). Undefined for two files.
 */
export function commonName({ before, after }: Sides): string | undefined {
  if (before === undefined || after === undefined || before === after) return after;
  if (hasPrefixPair(before, after) && before.slice(2) === after.slice(2)) return after.slice(2);
  if (after.endsWith(`/${before}`)) return before;
  if (before.endsWith(`/${after}`)) return after;
  let agreed = 0;
  while (before.at(-agreed - 1) === after.at(-agreed - 1)) agreed++;
  const suffix = after.slice(after.length - agreed);
  return suffix.length > 1 && suffix.startsWith('/') ? suffix.slice(1) : undefined;
}

/** The name after the change when no other line shows it: two different files may both have git's standard prefixes. */
export function nameAfter({ before, after }: Sides): string | undefined {
  if (after === undefined) return before?.replace(/^a\//, '');
  if (before === undefined) return after.replace(/^b\//, '');
  const isGits = hasPrefixPair(before, after) && (before.slice(2) === after.slice(2) || before.startsWith('a/'));
  return isGits ? after.slice(2) : after;
}

/** The two sides of a `diff --git …` line. Names with blanks are not quoted there, so the line is split where both sides agree. */
export function gitLineSides(line: string): Sides | undefined {
  const text = line.replace(/^diff --git /, '').replace(/\r$/, '');
  const [, quoted, rest = ''] = /^("(?:[^"\\]|\\.)*") (.+)$/s.exec(text) ?? [];
  if (quoted !== undefined) return { before: unquoted(quoted), after: unquoted(rest) };
  const [, plain, last = ''] = /^(.+) ("(?:[^"\\]|\\.)*")$/s.exec(text) ?? [];
  if (plain !== undefined) return { before: plain, after: unquoted(last) };
  const cuts = [...text.matchAll(/ /g)].map(({ index }) => ({ before: text.slice(0, index), after: text.slice(index + 1) }));
  const isExact = ({ before, after }: Sides) =>
    before === after || (before !== undefined && after !== undefined && hasPrefixPair(before, after) && before.slice(2) === after.slice(2));
  return cuts.find(isExact) ?? cuts.find((sides) => commonName(sides) !== undefined) ?? cuts[0];
}

function hasPrefixPair(before: string, after: string): boolean {
  return before[1] === '/' && after[1] === '/' && prefixPairs.has(`${before[0]}${after[0]}`);
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** Decodes an unusual name, which git writes as a C string, byte by byte. */
export function unquoted(text: string): string {
  if (!/^".*"$/s.test(text)) return text;
  const bytes: number[] = [];
  for (const [, code, character = ''] of text.slice(1, -1).matchAll(/\\([0-7]{3}|.)|([^\\]+)/gsu)) {
    if (code === undefined) for (const byte of Buffer.from(character)) bytes.push(byte);
    else bytes.push(/^[0-7]{3}$/.test(code) ? Number.parseInt(code, 8) & 255 : (escapes[code] ?? code.charCodeAt(0)));
  }
  return Buffer.from(bytes).toString();
}
