/** Runs the whole comparison cell by cell, alone or beside other processes in the same folder, and builds its table. */
import { setTimeout } from 'node:timers/promises';
import { AbortedError, StateError } from 'lowrank';
import { lockRun } from 'lowrank/internal';
import { type CellPlan, seedOf } from './cellPlan';
import { EnvironmentLog } from './environmentLog';
import type { ExperimentConfig } from './experimentConfig';
import { type ExperimentOutcome, type ExperimentWork, PlannedExperiment } from './plannedExperiment';

const WAIT = 500; // ms, while other processes run all that is left

/** Runs every cell that is not yet in the folder, and returns the table; see `runCells`. */
export async function runExperiment(config: ExperimentConfig, work: ExperimentWork): Promise<ExperimentOutcome> {
  await runCells(config, work);
  return collectExperiment(config, work);
}

/**
 * Runs every cell that is not yet in the folder.
 *
 * A stored cell is identified by the configuration, the data, the model and its own plan. A change to any of them runs it again. Several
 * processes may share the folder: each cell is run by one of them.
 *
 * @throws AbortedError when the signal or an interrupt ends it; finished cells and the current training run are kept.
 */
export async function runCells(config: ExperimentConfig, work: ExperimentWork): Promise<void> {
  const planned = new PlannedExperiment(config, work);
  new EnvironmentLog(work.folder).note(work);
  let last: CellPlan | undefined;
  for (;;) {
    const open = planned.cells.filter((plan) => !planned.store.has(plan));
    if (open.length === 0) return;
    const cell = claimed(inOrder(open, last), planned);
    if (cell) {
      last = cell.plan;
      try {
        await planned.run(cell.plan, planned.cells.length - open.length);
      } finally {
        cell.release();
      }
    } else {
      if (work.signal?.aborted) throw new AbortedError('the experiment was stopped while it waited for other processes');
      await setTimeout(WAIT);
    }
  }
}

/** The table of the cells already in the folder; all others are listed as not run. */
export function collectExperiment(config: ExperimentConfig, work: ExperimentWork): ExperimentOutcome {
  return new PlannedExperiment(config, work).outcome();
}

/** In order, but within one kind and seed it prefers the method of the last cell, whose step is already compiled. */
function inOrder(open: readonly CellPlan[], last: CellPlan | undefined): readonly CellPlan[] {
  const [first] = open;
  if (!first || !last || last.kind === 'base') return open;
  const isLike = (plan: CellPlan) =>
    plan.kind !== 'base' && plan.method === last.method && plan.kind === first.kind && seedOf(plan) === seedOf(first);
  return [...open.filter(isLike), ...open.filter((cell) => !isLike(cell))];
}

/** The first cell that can run now and that no other process has. */
function claimed(open: readonly CellPlan[], planned: PlannedExperiment): { readonly plan: CellPlan; release(): void } | undefined {
  for (const plan of open) {
    if (plan.kind === 'run' && planned.learningRate(plan) === undefined) continue;
    try {
      const release = lockRun(planned.store.folder(plan));
      if (!planned.store.has(plan)) return { plan, release };
      release();
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
    }
  }
  return undefined;
}
