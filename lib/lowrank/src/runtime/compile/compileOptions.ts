/** How a function is compiled. */
import { checkKnown } from '../checks/checkKnown';
import { ArgumentError } from '../errors';
import type { Precision } from './graph/graphBuilder';

/** How a function is compiled. */
export interface CompileOptions {
  /**
   * What matrix products are computed in; everything else is computed in float32, though its result may be rounded as the next product
   * rounds it. On a CPU without instructions for bfloat16, where such products are the slower ones, 'bfloat16' is float32 too.
   *
   * @defaultValue that of the compiled function around it, or 'float32'
   */
  readonly precision?: Precision;
  /** Whether XLA compiles it. `auto`: on a GPU, unless an operation in it is beyond XLA or there are many. @defaultValue 'auto' */
  readonly xla?: 'auto' | boolean;
  /** What errors and `inspect` call it. @defaultValue the function's own name */
  readonly name?: string;
  /** Recompute intermediate values in the backward pass instead of saving them (gradient checkpointing): less memory, more time. @defaultValue false */
  readonly recompute?: boolean;
  /**
   * What is expected to differ between calls, so that no warning comes at the eighth trace: the shapes of tensors, or anything.
   *
   * @defaultValue nothing
   */
  readonly variesIn?: 'shapes' | 'anything';
}

/** @throws ArgumentError when there is no such option, or it has none of its values. */
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
