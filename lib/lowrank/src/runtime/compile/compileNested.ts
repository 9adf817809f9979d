/** Parts of compiled functions that become functions of their own. */
import { compile } from './compile';
import type { CompileOptions } from './compileOptions';
import { isTracing } from './tracing/trace';

/** Returns a function that runs `fn` as one operation inside a compiled function, and unchanged elsewhere. */
export function compileNested<A extends readonly unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): (...args: A) => R {
  const compiled = compile(fn, options);
  return (...args) => (isTracing() ? compiled(...args) : fn(...args));
}
