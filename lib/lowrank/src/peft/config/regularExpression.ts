/** Regular expressions from files, with a time limit: their authors must not be able to stop this process. */
import { ArgumentError } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';
import { withinTime } from '../../runtime/withinTime';

const LONGEST = 1000; // characters; compiling a pattern cannot be interrupted, so it must be short
const MILLISECONDS = 100;

/**
 * The index of the first matching pattern for each text, or −1.
 *
 * The whole call takes at most 100 ms of processor time: a pattern that backtracks without end is stopped.
 *
 * @throws ArgumentError when a pattern is too long, is not valid JavaScript, or does not end in time.
 */
export function firstMatches(patterns: readonly string[], texts: readonly string[], flags = ''): number[] {
  if (patterns.length === 0) return texts.map(() => -1);
  const long = patterns.find((pattern) => pattern.length > LONGEST);
  if (long !== undefined)
    throw new ArgumentError(`a regular expression of ${long.length} characters is longer than ${LONGEST}; list names instead`);
  const shown = patterns.map((pattern) => JSON.stringify(pattern)).join(', ');
  const search = () => {
    const expressions = patterns.map((pattern) => new RegExp(fromPython(pattern), `u${flags}`));
    return texts.map((text) => expressions.findIndex((expression) => expression.test(text)));
  };
  try {
    return withinTime(MILLISECONDS, `matching ${shown}`, search);
  } catch (cause) {
    if (cause instanceof ArgumentError) throw new ArgumentError(`${cause.message}; list names instead`, { cause });
    throw new ArgumentError(`${shown} is not a regular expression that JavaScript knows (${reasonOf(cause)}); list names instead`, {
      cause,
    });
  }
}

/** A pattern with the flags that it begins with, as `(?i)`: Python allows them there alone. Of the letters, `a` and `u` change no ASCII name. */
const FLAGS = /^\(\?([aimsu]+)\)([\s\S]*)$/;

/** Escapes, the beginnings of named groups, references to them, and classes of characters; of these, JavaScript writes some in another manner. */
const PARTS = /\\[\s\S]|\(\?P<|\(\?P=(\w+)\)|\[\^?\]?(?:\\[\s\S]|[^\\\]])*\]/g;

const ANCHORS: Readonly<Record<string, string>> = { '\\A': '(?<![\\s\\S])', '\\Z': '(?![\\s\\S])', '(?P<': '(?<' };

/** Translates what Python writes otherwise; JavaScript refuses anything else that it does not know. */
function fromPython(pattern: string): string {
  return pattern.replace(PARTS, (part, name: string | undefined) => {
    if (name !== undefined) return `\\k<${name}>`;
    if (!part.startsWith('[')) return ANCHORS[part] ?? plainEscape(part);
    return part.replace(/^\[(\^?)\]/, '[$1\\]').replace(/\\[\s\S]/g, plainEscape); // a bracket at the beginning of a class is one of its characters
  });
}

/** Python lets every mark be escaped, as in `q\_proj`. */
function plainEscape(escaped: string): string {
  return /^\\[ -/:-@_`~]$/.test(escaped) ? `\\x${escaped.charCodeAt(1).toString(16)}` : escaped;
}

/** The texts that the whole pattern matches, as Python's `re.fullmatch`. */
export function fullMatches(pattern: string, texts: readonly string[]): string[] {
  const [, flags = '', rest = pattern] = FLAGS.exec(pattern) ?? [];
  const found = firstMatches([`^(?:${rest})$`], texts, flags.replace(/[au]/g, ''));
  return texts.filter((_, index) => found[index] === 0);
}
