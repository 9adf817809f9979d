/** The paths in the header of a diff, and the languages that they tell. */

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

/** The language of a file by its name, in lower case; empty for one that is not known here. */
export function languageOfPath(path: string): string {
  return languages.find(([pattern]) => pattern.test(path))?.[1] ?? '';
}

/**
 * The path in a `---` or `+++` line, without git's `a/` or `b/`, its quotes and its octal escapes, or the date that plain `diff` adds;
 * undefined for `/dev/null`, which stands for no file.
 */
export function headerPath(text: string): string | undefined {
  const path = unquoted(text.replace(/\r$/, '').replace(/\t.*$/s, ''));
  return path === '/dev/null' ? undefined : path.replace(/^[abciow]\//, '');
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/** Git writes unusual names as C strings, byte by byte. */
function unquoted(text: string): string {
  if (!/^".*"$/s.test(text)) return text;
  const bytes: number[] = [];
  for (const [, code, character = ''] of text.slice(1, -1).matchAll(/\\([0-7]{3}|.)|([^\\]+)/gsu)) {
    if (code === undefined) bytes.push(...Buffer.from(character));
    else bytes.push(/^[0-7]{3}$/.test(code) ? Number.parseInt(code, 8) & 255 : (escapes[code] ?? code.charCodeAt(0)));
  }
  return Buffer.from(bytes).toString();
}
