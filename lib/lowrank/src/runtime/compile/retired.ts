/** Programs that are kept no longer, until nothing that runs can still need them. */

import type { Program } from './program';
import { engineInternals } from './tfjsInternals';
import { activeTrace } from './tracing/trace';

const retired = new Set<Program>();

/** Frees a program once no function is being traced and no gradient taken: either may have met it, and call it later. */
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
