/** Regular expressions from files, with a time limit: their authors must not be able to stop this process. */
import process from 'node:process';
import vm from 'node:vm';
import { ArgumentError } from '../runtime';

const LONGEST = 1000; // characters; compiling a pattern cannot be interrupted, so it must be short
const MILLISECONDS = 100;
const SCRIPT = new vm.Script(`{
  const expressions = patterns.map((pattern) => new RegExp(pattern, 'u'));
  texts.map((text) => expressions.findIndex((expression) => expression.test(text)));
}`);

/**
 * The index of the first matching pattern for each text, or −1.
 *
 * The whole call takes at most 100 ms of processor time: a pattern that backtracks without end is stopped.
 *
 * @throws ArgumentError when a pattern is too long, is not valid JavaScript, or does not end in time.
 */
export function firstMatches(patterns: readonly string[], texts: readonly string[]): number[] {
  if (patterns.length === 0) return texts.map(() => -1);
  const long = patterns.find((pattern) => pattern.length > LONGEST);
  if (long !== undefined)
    throw new ArgumentError(`a regular expression of ${long.length} characters is longer than ${LONGEST}; list names instead`);
  const before = process.cpuUsage();
  for (;;) {
    try {
      const found: Iterable<number> = SCRIPT.runInNewContext({ patterns: patterns.map(fromPython), texts }, { timeout: MILLISECONDS });
      return [...found];
    } catch (cause) {
      const shown = patterns.map((pattern) => JSON.stringify(pattern)).join(', ');
      if (!isTimeout(cause)) {
        throw new ArgumentError(`${shown} is not a regular expression that JavaScript knows (${messageOf(cause)})`, { cause });
      }
      const { user, system } = process.cpuUsage(before);
      const isBusy = user + system < 1000 * MILLISECONDS; // the machine was, and not with this: try again
      if (!isBusy) throw new ArgumentError(`matching ${shown} takes more than ${MILLISECONDS} ms; list names instead`, { cause });
    }
  }
}

/** Translates Python's anchors and named groups to JavaScript; JavaScript refuses anything else that it does not know. */
function fromPython(pattern: string): string {
  return pattern.replace(/\\[\s\S]|\(\?P<|\(\?P=(\w+)\)/g, (part, name: string | undefined) => {
    if (name !== undefined) return `\\k<${name}>`;
    return { '\\A': '(?<![\\s\\S])', '\\Z': '(?![\\s\\S])', '(?P<': '(?<' }[part] ?? part;
  });
}

/** The texts that the whole pattern matches, as Python's `re.fullmatch`. */
export function fullMatches(pattern: string, texts: readonly string[]): string[] {
  const found = firstMatches([`^(?:${pattern})$`], texts);
  return texts.filter((_, index) => found[index] === 0);
}

function isTimeout(cause: unknown): boolean {
  return hasText(cause, 'code') && cause.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

function messageOf(cause: unknown): string {
  return hasText(cause, 'message') ? cause.message : String(cause); // an error of another context is no `Error` of ours
}

function hasText<K extends string>(value: unknown, key: K): value is Record<K, string> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, key) === 'string';
}
