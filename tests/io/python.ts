/** Runs the environment's Python, the reference that our files are checked against. */
import { execFileSync } from 'node:child_process';
import nodePath from 'node:path';
import { fileURLToPath } from 'node:url';

const interpreter = nodePath.join(fileURLToPath(new URL('../..', import.meta.url)), '.venv/bin/python');

/** Runs a script and gives back what it printed. */
export function python(script: string, ...args: readonly string[]): string {
  return pythonOn('', script, ...args);
}

/** The same, with a text on standard input, which may be longer than an argument. */
export function pythonOn(input: string, script: string, ...args: readonly string[]): string {
  return execFileSync(interpreter, ['-c', script, ...args], { encoding: 'utf8', input });
}
