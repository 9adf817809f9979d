/** Parts of compiled functions that are functions of their own there. */
import { compile } from './compile';
import type { CompileOptions } from './compileOptions';
import { isTracing } from './tracing/trace';

/** Gives a function that does what `fn` does: as one operation where a compiled function calls it, as it is elsewhere. */
export function compileNested<A extends readonly unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): (...args: A) => R {
  const compiled = compile(fn, options);
  return (...args) => (isTracing() ? compiled(...args) : fn(...args));
}
