/** The programs of one compiled function. */

import type { CompileOptions } from './compileOptions';
import { choosePrecision } from './precision';
import type { FunctionReport, Program } from './program';
import { readArguments } from './signature';
import { engineInternals } from './tfjsInternals';
import { installPatches } from './tfjsPatches';
import { TraceWarning } from './traceWarning';
import { gradientSources } from './tracing/gradientSources';
import { activeTrace } from './tracing/trace';
import { maskOf, traceProgram } from './tracing/traceProgram';

/** How many programs of one function are kept: those used last. */
const KEPT = 64;

export class ProgramCache {
  readonly name: string;
  traces = 0;
  private readonly programs = new Map<string, readonly Program[]>(); // by form, the one used last at the end
  private readonly warning: TraceWarning;

  constructor(
    private readonly fn: (...args: never[]) => unknown,
    private readonly options: CompileOptions,
  ) {
    this.name = options.name ?? (fn.name || 'function');
    this.warning = new TraceWarning(this.name, options.variesIn);
  }

  run(args: readonly unknown[]): unknown {
    installPatches();
    freeRetired();
    const { tensors, parameters, key: form } = readArguments(args, this.name);
    const given = [...tensors, ...parameters];
    const reached = gradientSources.reached();
    const precision = choosePrecision(this.options.precision ?? activeTrace()?.precision);
    const key = `${precision} ${form}`;
    const isFit = ({ parts: { mask, captures } }: Program) => mask === maskOf([...given, ...captures], reached);
    const found = this.known(key).find(isFit);
    if (found) return found.run(given);
    const { name, options } = this;
    const program = traceProgram(
      { fn: this.fn, args, given: { tensors, parameters, key: form }, reached },
      { name, precision, xla: options.xla ?? 'auto', recompute: options.recompute ?? false },
    );
    this.traces++;
    if (!activeTrace()) this.warning.count(args, form); // the outer trace warns of the functions that it calls
    this.keep(key, program);
    return program.run(given);
  }

  inspect(): FunctionReport[] {
    return [...this.programs.values()].flat().map((program) => program.report());
  }

  dispose(): void {
    for (const program of [...this.programs.values()].flat()) retire(program);
    this.programs.clear();
  }

  /** The programs for this key that can run here: not those that captured a symbol of a trace that has ended. */
  private known(key: string): readonly Program[] {
    const all = this.programs.get(key);
    if (!all) return [];
    const usable = all.filter(({ parts: { owner } }) => !owner || owner === activeTrace());
    for (const program of all) if (!usable.includes(program)) program.dispose();
    this.programs.delete(key); // and now the latest
    this.programs.set(key, usable);
    return usable;
  }

  /** Adds a program, and discards the least recently used ones. The function may have called itself while it was traced. */
  private keep(key: string, program: Program): void {
    this.programs.set(key, [...(this.programs.get(key) ?? []), program]);
    let count = 0;
    for (const programs of this.programs.values()) count += programs.length;
    for (const [oldest, programs] of this.programs) {
      if (count <= KEPT || oldest === key) break;
      this.programs.delete(oldest);
      for (const one of programs) retire(one);
      count -= programs.length;
    }
  }
}

const retired = new Set<Program>();

/** Frees a program once no trace and no gradient is running: either may still call it. */
function retire(program: Program): void {
  retired.add(program);
  freeRetired();
}

/** Frees what was retired, if that can be done now. */
function freeRetired(): void {
  if (retired.size === 0 || activeTrace() || engineInternals().state.activeTape) return;
  for (const program of retired) program.dispose();
  retired.clear();
}
