/** Checks a learner's answer to an exercise. */
import { ArgumentError, tf } from 'lowrank';
import { checkKnown, printable } from 'lowrank/internal';
import { mismatch, textOf } from './mismatch';

/** How to check an answer, and help for a wrong one. */
export interface CheckOptions {
  /** Printed below the fault. */
  readonly hint?: string;
  /** Common wrong answers, each with its fault, which is printed in place of the general words. */
  readonly slips?: readonly { readonly answer: unknown; readonly because: string }[];
  /** Largest difference of two numbers, as a share of the larger one. @defaultValue 0 if a whole number is expected, otherwise 1e-4 */
  readonly tolerance?: number;
  /** Argument lists for an answer that is a function. */
  readonly on?: readonly (readonly unknown[])[];
}

const NO_ANSWER = '… no answer yet: replace undefined, and run this cell again';

type Callable = (...given: readonly unknown[]) => unknown;

const callText = (given: readonly unknown[]): string => `on (${given.map(textOf).join(', ')}): `;

/** Calls a function with each argument list, and compares its results with the reference's or with the listed ones. */
function tried(answer: Callable, expected: unknown, { on = [], tolerance }: CheckOptions): string | undefined {
  for (const [place, given] of on.entries()) {
    let result: unknown;
    try {
      result = answer(...given);
    } catch (error) {
      return `${callText(given)}it throws “${error instanceof Error ? error.message : String(error)}”`;
    }
    const wanted = typeof expected === 'function' ? (expected as Callable)(...given) : (expected as readonly unknown[])[place];
    if (result === undefined) return NO_ANSWER;
    const fault = mismatch(result, wanted, tolerance);
    if (fault !== undefined) return `${callText(given)}${fault}`;
  }
  return undefined;
}

function faultOf(answer: unknown, expected: unknown, options: CheckOptions): string | undefined {
  if (!options.on) return mismatch(answer, expected, options.tolerance);
  if (typeof answer !== 'function') return `there is no function yet: ${textOf(answer)}`;
  return tried(answer as Callable, expected, options);
}

function slipOf(answer: unknown, { slips = [], tolerance }: CheckOptions): string | undefined {
  return slips.find((slip) => mismatch(answer, slip.answer, tolerance) === undefined)?.because;
}

function verdict(answer: unknown, expected: unknown, options: CheckOptions): string {
  if (answer === undefined) return NO_ANSWER;
  const fault = tf.tidy(() => slipOf(answer, options) ?? faultOf(answer, expected, options));
  if (fault === undefined) return '✓ right';
  if (fault === NO_ANSWER) return NO_ANSWER;
  return `✗ ${fault}${options.hint === undefined ? '' : `\n  Hint: ${options.hint}`}`;
}

/**
 * Compares an answer with the expected one, and prints ✓, or ✗ with the fault and a hint. A wrong answer never throws, and one that is
 * still `undefined` prints an invitation.
 *
 * Numbers are compared up to a tolerance (whole numbers exactly), tensors by shape and values, arrays and objects item by item, data frames
 * as rows, and functions by what they return for the arguments in `on`: `expected` is then a function too, or the list of results.
 *
 * @throws ArgumentError when `on` is given and `expected` is neither a function nor one result for each argument list
 */
export function check(answer: unknown, expected: unknown, options: CheckOptions = {}): void {
  checkKnown('check', options, ['hint', 'slips', 'tolerance', 'on']);
  const { on } = options;
  if (on && typeof expected !== 'function' && !(Array.isArray(expected) && expected.length === on.length)) {
    throw new ArgumentError('check: with `on`, pass as `expected` a function, or one result for each argument list');
  }
  console.log(printable(verdict(answer, expected, options)));
}
