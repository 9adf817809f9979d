/** Texts behind the filter `safe`: what Python adds to them it escapes, and it writes them otherwise within lists. */
import { isText } from './python/callArguments';
import type { Value } from './value';

const all = new WeakSet<Value>();

export function mark(value: Value): Value {
  all.add(value);
  return value;
}

export const isMarked = (value: Value): boolean => all.has(value);

/** Whether Python escapes nothing where these are added, of which one is marked. */
export const addsPlain = (left: Value, right: Value): boolean =>
  [left, right].every((side) => isMarked(side) || (isText(side) && !/[&<>'"]/.test(side.value)));

/** @throws Error where one of the values is marked. */
export function refuseMarked(use: string, ...values: readonly (Value | undefined)[]): void {
  if (values.some((value) => value && isMarked(value)))
    throw new Error(`it ${use} what the filter safe makes, where Python escapes: leave out | safe`);
}
