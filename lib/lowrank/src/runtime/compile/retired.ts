/** Discarded programs, until no running function can still need them. */

import type { Program } from './program';
import { engineInternals } from './tfjsInternals';
import { activeTrace } from './tracing/trace';

const retired = new Set<Program>();

/** Frees a program once no trace and no gradient is running: either may still call it. */
export function retire(program: Program): void {
  retired.add(program);
  freeRetired();
}

/** Frees what was retired, if that can be done now. */
export function freeRetired(): void {
  if (retired.size === 0 || activeTrace() || engineInternals().state.activeTape) return;
  for (const program of retired) program.dispose();
  retired.clear();
}
