/** "tf.function" for TypeScript: a function of tensors becomes one operation of TensorFlow. */
import { checkKnown } from '../checkKnown';
import { ArgumentError } from '../errors';
import { warn } from '../warn';
import { gradientSources } from './gradientSources';
import type { Precision } from './graphBuilder';
import type { FunctionReport } from './program';
import { ProgramCache } from './programCache';
import { canBuildGraphs } from './tfjsInternals';

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
  /** Whether a gradient makes the values in between anew instead of keeping them: less memory, more time. @defaultValue false */
  readonly recompute?: boolean;
  /**
   * What is expected to differ between calls, so that no warning comes at the eighth trace: the shapes of tensors, or anything.
   *
   * @defaultValue nothing
   */
  readonly variesIn?: 'shapes' | 'anything';
}

/** A function that runs as one operation. */
export interface CompiledFunction<A extends readonly unknown[], R> {
  (...args: A): R;
  /** How many times the function has been traced: once per form of its arguments. */
  readonly traces: number;
  /** What each form has become: operations, FLOPs, bytes, time to compile. */
  inspect(): FunctionReport[];
  /** Makes TensorFlow forget it; the next call traces it anew. */
  dispose(): void;
}

/**
 * Gives a function that does what `fn` does, as one operation: `fn` is traced once per form of its arguments, which executes nothing,
 * and TensorFlow then runs the graph that the trace has left.
 *
 * Tensors among the arguments, also in arrays and plain objects, are inputs. A Module among them stands for its form: calls with other
 * Modules of that form run the same program on their own parameters. Everything else is part of the program, so that another value is
 * another trace: of a Module every enumerable field counts, unless its `compiledFields` says otherwise, and at the eighth trace a warning
 * names what differs. The programs used last are kept, 64 of each function. Tensors and variables from outside are captured; a variable is looked up at each call. What `fn` assigns to variables is
 * assigned at each call. Gradients pass through, and compiled functions may call each other.
 *
 * Without this library's part of the native binding `fn` runs as it is, and a warning says so once.
 *
 * @throws ArgumentError when an option has none of its values; UnsupportedError at the first call if `fn` reads a tensor's data, makes a
 * shape depend on data, or draws random numbers in JavaScript; StateError when a tensor that it uses was disposed of.
 *
 * @example
 * const norm = compile((x: tf.Tensor) => x.square().sum().sqrt());
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): CompiledFunction<A, R> {
  checkOptions(options);
  gradientSources.install(); // here, and not at the first call: that may be inside a gradient
  const programs = new ProgramCache(fn as (...args: never[]) => unknown, options);
  const run = (...args: A): R => (isSupported() ? (programs.run(args) as R) : fn(...args));
  Object.defineProperty(run, 'name', { value: programs.name });
  return Object.defineProperties(run, {
    traces: { get: () => programs.traces },
    inspect: { value: () => programs.inspect() },
    dispose: { value: () => programs.dispose() },
  }) as CompiledFunction<A, R>;
}

/** Not every caller is checked by TypeScript. */
function checkOptions(options: CompileOptions): void {
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

let hasWarned = false;

function isSupported(): boolean {
  if (canBuildGraphs()) return true;
  if (!hasWarned) warn('compile: the native binding cannot build graphs, so functions run operation by operation; run `make setup`');
  hasWarned = true;
  return false;
}
