/** "tf.function" for TypeScript: a function of tensors becomes one operation of TensorFlow. */
import { type CompileOptions, checkOptions } from './compileOptions';
import { buildsGraphs } from './graphSupport';
import type { FunctionReport } from './program';
import { ProgramCache } from './programCache';
import { gradientSources } from './tracing/gradientSources';

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
 * Returns a function that does what `fn` does as one operation: `fn` is traced once per form of its arguments, which executes nothing,
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
  const run = (...args: A): R => (buildsGraphs() ? (programs.run(args) as R) : fn(...args));
  Object.defineProperty(run, 'name', { value: programs.name });
  return Object.defineProperties(run, {
    traces: { get: () => programs.traces },
    inspect: { value: () => programs.inspect() },
    dispose: { value: () => programs.dispose() },
  }) as CompiledFunction<A, R>;
}
