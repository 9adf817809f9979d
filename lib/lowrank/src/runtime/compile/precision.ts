/**
 * Decides whether a compiled function computes its matrix products in bfloat16 or float32. Which operations are matrix products is in
 * `graph/graphBuilder.ts`; the number format that a weight is stored in is another matter (`nn/quantized`).
 */
import { checkOneOf } from '../checks/checkValues';
import { hasBfloat16Products } from '../device/bfloat16Support';
import { ArgumentError } from '../errors';

/** The precision of matrix products and of the results of native kernels beside them; everything else is float32. */
export type Precision = 'float32' | 'bfloat16';

/** @throws ArgumentError for an unknown value, or for a precision without compilation, where it would have no effect. */
export function checkPrecision({
  compile = true,
  precision = 'float32',
}: {
  readonly compile?: unknown;
  readonly precision?: unknown;
}): void {
  checkOneOf('compile', compile, [true, false]);
  checkOneOf('precision', precision, ['float32', 'bfloat16']);
  if (!compile && precision !== 'float32') throw new ArgumentError(`precision '${precision}' is for compiled products: leave compile on`);
}

/** bfloat16 if the caller asks for it and the device has fast instructions for it, else float32. */
export function choosePrecision(asked: Precision | undefined): Precision {
  return asked === 'bfloat16' && hasBfloat16Products() ? 'bfloat16' : 'float32';
}
