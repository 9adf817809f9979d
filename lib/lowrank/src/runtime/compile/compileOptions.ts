/** How a function is compiled. */
import { checkKnown } from '../checks/checkKnown';
import { checkOneOf } from '../checks/checkValues';
import { ArgumentError } from '../errors';
import { shown } from '../messages/shown';
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
  const { precision = 'float32', xla = 'auto', name = '', recompute = false, variesIn = 'anything' } = options;
  checkOneOf('compile: precision', precision, ['float32', 'bfloat16']);
  checkOneOf('compile: xla', xla, ['auto', true, false]);
  checkOneOf('compile: recompute', recompute, [true, false]);
  checkOneOf('compile: variesIn', variesIn, ['shapes', 'anything']);
  if (typeof name !== 'string') throw new ArgumentError(`compile: name ${shown(name)} is not a text`);
}
