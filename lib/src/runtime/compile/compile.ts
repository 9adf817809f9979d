/** "tf.function" for TypeScript: a function of tensors becomes one operation of TensorFlow. */
import { ArgumentError } from '../errors';
import { hasHalfProducts } from '../halfProducts';
import type { Precision } from './graphBuilder';
import { canBuildGraphs } from './internals';
import { installKernels } from './kernels';
import type { FunctionReport, Program } from './program';
import { readArguments } from './signature';
import { activeTrace } from './trace';
import { maskOf, traceProgram } from './traceProgram';
import { watchedTensors } from './watched';

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
 * another trace. Tensors and variables from outside are captured; a variable is looked up at each call. What `fn` assigns to variables is
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
  watchedTensors.install(); // here, and not at the first call: that may be inside a gradient
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
function checkOptions({ precision = 'float32', xla = 'auto' }: CompileOptions): void {
  if (!['float32', 'bfloat16'].includes(precision)) {
    throw new ArgumentError(`compile: precision '${precision}' is neither 'float32' nor 'bfloat16'`);
  }
  if (!['auto', true, false].includes(xla)) throw new ArgumentError(`compile: xla '${xla}' is none of 'auto', true and false`);
}

let hasWarned = false;

function isSupported(): boolean {
  if (canBuildGraphs()) return true;
  if (!hasWarned)
    console.warn('compile: the native binding cannot build graphs, so functions run operation by operation; run `make setup`');
  hasWarned = true;
  return false;
}

/** The programs that one function has become. */
class ProgramCache {
  readonly name: string;
  traces = 0;
  private readonly programs = new Map<string, Program[]>();

  constructor(
    private readonly fn: (...args: never[]) => unknown,
    private readonly options: CompileOptions,
  ) {
    this.name = options.name ?? (fn.name || 'function');
  }

  run(args: readonly unknown[]): unknown {
    installKernels();
    const { tensors, parameters, key } = readArguments(args, this.name);
    const given = [...tensors, ...parameters];
    const reached = watchedTensors.reached();
    const asked = this.options.precision ?? activeTrace()?.precision;
    const precision = asked === 'bfloat16' && hasHalfProducts() ? 'bfloat16' : 'float32';
    const known = this.known(`${precision} ${key}`);
    const isFit = ({ parts: { mask, captures } }: Program) => mask === maskOf([...given, ...captures], reached);
    let program = known.find(isFit);
    if (!program) {
      const { name, options } = this;
      program = traceProgram(
        { fn: this.fn, args, given: { tensors, parameters, key }, reached },
        { name, precision, xla: options.xla ?? 'auto', recompute: options.recompute ?? false },
      );
      this.traces++;
      known.push(program);
    }
    return program.run(given);
  }

  inspect(): FunctionReport[] {
    return [...this.programs.values()].flat().map((program) => program.report());
  }

  dispose(): void {
    for (const program of [...this.programs.values()].flat()) program.dispose();
    this.programs.clear();
  }

  /** The programs for arguments of this form that can run here: not those that captured what stood for a value in a trace now over. */
  private known(key: string): Program[] {
    const all = this.programs.get(key) ?? [];
    const usable = all.filter(({ parts: { owner } }) => !owner || owner === activeTrace());
    for (const program of all) if (!usable.includes(program)) program.dispose();
    this.programs.set(key, usable);
    return usable;
  }
}
