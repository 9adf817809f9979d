/** Python's operators on the values of a chat template, where JavaScript's do something else. */

import { behind, isLasting, refuseSeries } from '../series';
import type { Value } from '../value';

/** `left == right`: lists and mappings by what they hold, a text never as a number. */
export function isEqual(left: Value, right: Value): boolean {
  refuseSeries(left, right);
  const [a, b] = [comparable(left), comparable(right)];
  if (Array.isArray(a) && Array.isArray(b))
    return left.type === right.type && a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  if (a instanceof Map && b instanceof Map)
    return a.size === b.size && Array.from(a).every(([key, item]) => b.has(key) && isEqual(item, b.get(key)));
  return a === b && (a !== undefined || left.type === right.type);
}

/** Whether `if` takes it for true. */
export function isTrue(given: Value): boolean {
  const { value } = (isLasting(given) && behind(given)) || given;
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map && given.type === 'ObjectValue' ? value.size > 0 : Boolean(value);
}

/** True is 1, and none is not what is undefined. */
function comparable({ type, value }: Value): unknown {
  if (type === 'NullValue') return null;
  if (type === 'UndefinedValue') return undefined;
  return typeof value === 'boolean' ? Number(value) : value;
}

/** `left % right`, with the sign of the divisor. */
export function modulo(left: number, right: number): number {
  const rest = left % right;
  if (rest !== 0 && rest < 0 !== right < 0) return rest + right;
  return rest === 0 && Object.is(Math.sign(right), -1) ? -0 : Math.abs(rest) === 0 ? 0 : rest;
}

/** `left // right`, from the rest: the quotient alone may round up to a whole number. */
export function floorQuotient(left: number, right: number): number {
  const quotient = (left - modulo(left, right)) / right;
  if (quotient === 0) return 0 * Math.sign(left / right);
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}
