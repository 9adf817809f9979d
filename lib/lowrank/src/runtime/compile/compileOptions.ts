/** How a function is compiled. */
import { checkKnown } from '../checks/checkKnown';
import { ArgumentError } from '../errors';
import type { Precision } from './precision';

/** How a function is compiled. */
export interface CompileOptions {
  /**
   * The precision of matrix products. Everything else is computed in float32, though its result may be rounded as for the next product.
   * On a CPU without fast bfloat16 instructions, where such products are slower, 'bfloat16' means float32 too.
   *
   * @defaultValue that of the surrounding compiled function, or 'float32'
   */
  readonly precision?: Precision;
  /** Whether XLA compiles it. `auto`: on a GPU, unless XLA lacks one of its operations or they are many. @defaultValue 'auto' */
  readonly xla?: 'auto' | boolean;
  /** Its name in errors and reports. @defaultValue the function's own name */
  readonly name?: string;
  /**
   * Recompute intermediate values in the backward pass instead of saving them (gradient checkpointing): less memory, more time.
   * @defaultValue false
   */
  readonly recompute?: boolean;
  /**
   * The parts that may differ between calls without a warning at the eighth trace: the shapes of tensors, or anything.
   *
   * @defaultValue nothing
   */
  readonly variesIn?: 'shapes' | 'anything';
}

/** @throws ArgumentError for an unknown option or an invalid value. */
export function checkOptions(options: CompileOptions): void {
  checkKnown('compile', options, ['precision', 'xla', 'name', 'recompute', 'variesIn']);
  const { precision = 'float32', xla = 'auto', variesIn } = options;
  if (variesIn !== undefined && !['shapes', 'anything'].includes(variesIn)) {
    throw new ArgumentError(`compile: variesIn '${variesIn}' is neither 'shapes' nor 'anything'`);
  }
  if (!['float32', 'bfloat16'].includes(precision)) {
    throw new ArgumentError(`compile: precision '${precision}' is neither 'float32' nor 'bfloat16'`);
  }
  if (!['auto', true, false].includes(xla)) throw new ArgumentError(`compile: xla '${xla}' is none of 'auto', true and false`);
}
