/** Finds where the keys of two calls differ, for a warning. */

/** A place among the arguments, and its value in each of the two calls. */
interface KeyDifference {
  /** As `argument 0.layers[2].calls`. */
  readonly place: string;
  readonly before: string;
  readonly now: string;
  /** Whether it is the shape of a tensor. */
  readonly isShape: boolean;
}

/** Where a reader of a key is inside one pair of brackets. */
interface Level {
  readonly bracket: string;
  readonly isShape: boolean;
  index: number;
  name: string;
}

/** The first difference of two keys as `readArguments` makes them. */
export function keyDifference(before: string, now: string): KeyDifference {
  let end = 0;
  while (end < before.length && before[end] === now[end]) end++;
  const levels: Level[] = [{ bracket: '', isShape: false, index: 0, name: '' }];
  let token = 0; // where the last word begins
  for (let at = 0; at < end; at++) {
    const char = before[at] ?? '';
    const level = levels.at(-1);
    if (char === '"') at = Math.min(end, endOfText(before, at));
    else if ('{[('.includes(char)) levels.push({ bracket: char, isShape: char === '[' && token < at, index: 0, name: '' });
    else if ('}])'.includes(char)) levels.pop();
    else if (char === ':' && level) level.name = before.slice(token, at);
    else if (char === ',' && level) {
      level.index++;
      level.name = '';
    } else continue;
    if (char !== '"') token = at + 1;
  }
  const isShape = levels.at(-1)?.isShape ?? false;
  const begin = isShape ? before.lastIndexOf('[', end - 1) : token;
  return { place: levels.map(step).join(''), before: wordAt(before, begin), now: wordAt(now, begin), isShape };
}

/** Where the quoted text that begins here ends. */
function endOfText(key: string, begin: number): number {
  for (let at = begin + 1; at < key.length; at++) {
    if (key[at] === '\\') at++;
    else if (key[at] === '"') return at;
  }
  return key.length;
}

function step({ bracket, isShape, index, name }: Level): string {
  if (bracket === '') return `argument ${index}`;
  if (isShape || (bracket === '{' && name === '')) return '';
  return bracket === '{' ? `.${name}` : `[${index}]`;
}

function wordAt(key: string, begin: number): string {
  const end =
    key[begin] === '"' ? endOfText(key, begin) + 1 : begin + key.slice(begin).search(key[begin] === '[' ? /(?<=\])|$/ : /[\])},{]|$/);
  const word = key.slice(begin, end).replace(/^(number|boolean|undefined|object) /, '');
  return word.length > 60 ? `${word.slice(0, 60)}…` : word;
}
