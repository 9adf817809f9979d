/** "tf.function" for TypeScript: a function of tensors becomes one operation of TensorFlow. */
import { type CompileOptions, checkOptions } from './compileOptions';
import { buildsGraphs } from './graphSupport';
import type { FunctionReport } from './program';
import { ProgramCache } from './programCache';
import { gradientSources } from './tracing/gradientSources';

/** A function that runs as one operation. */
export interface CompiledFunction<A extends readonly unknown[], R> {
  (...args: A): R;
  /** How often the function was traced: once per key of its arguments. */
  readonly traces: number;
  /** A report on each trace: operations, FLOPs, bytes, time to compile. */
  inspect(): FunctionReport[];
  /** Frees its programs; the next call traces it again. */
  dispose(): void;
}

/**
 * Returns a function that runs `fn` as one operation. `fn` is traced once per key of its arguments, which executes nothing; TensorFlow then
 * runs the graph of the trace.
 *
 * Tensors among the arguments, also in arrays and plain objects, are inputs. A Module among them counts by its structure: Modules of the
 * same structure run the same program on their own parameters. Everything else is part of the program, so another value means another
 * trace. Of a Module, every enumerable field counts unless its `compiledFields` says otherwise; at the eighth trace, a warning names the
 * difference. The 64 programs used last are kept for each function. Tensors and variables from outside are captured; a variable is looked
 * up, and assigned, at each call. What `fn` reads from outside of a Module that is also an argument counts as read from the argument: to
 * compare two Modules, give both. Gradients pass through, and compiled functions may call each other.
 *
 * Without this library's part of the native binding, `fn` runs as it is, and one warning says so.
 *
 * @throws ArgumentError when an option has an invalid value; UnsupportedError at the first call if `fn` reads a tensor's data, makes a
 * shape depend on data, or draws random numbers in JavaScript; StateError when a tensor that it uses was disposed of.
 *
 * @example
 * const norm = compile((x: tf.Tensor) => x.square().sum().sqrt());
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): CompiledFunction<A, R> {
  checkOptions(options);
  gradientSources.install(); // here, and not at the first call: that may be inside a gradient
  const programs = new ProgramCache(fn as (...args: never[]) => unknown, options);
  const run = (...args: A): R => (buildsGraphs() ? (programs.run(args) as R) : fn(...args));
  Object.defineProperty(run, 'name', { value: programs.name });
  return Object.defineProperties(run, {
    traces: { get: () => programs.traces },
    inspect: { value: () => programs.inspect() },
    dispose: { value: () => programs.dispose() },
  }) as CompiledFunction<A, R>;
}
