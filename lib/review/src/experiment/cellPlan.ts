/** Which cells an experiment consists of, in the order of their importance. */
import type { ReviewTask } from '../prompts';
import type { ExperimentConfig, ExperimentMethod } from './experimentConfig';

/** The untuned model on one task. */
export interface BasePlan {
  readonly kind: 'base';
  readonly task: ReviewTask;
}

/** One trial of a learning rate. */
export interface TrialPlan {
  readonly kind: 'trial';
  readonly method: ExperimentMethod;
  readonly task: ReviewTask;
  readonly learningRate: number;
}

/** One training run, whose learning rate the trials have chosen. */
export interface RunPlan {
  readonly kind: 'run';
  readonly method: ExperimentMethod;
  readonly task: ReviewTask;
  readonly seed: number;
}

/** One independent piece of work. */
export type CellPlan = BasePlan | TrialPlan | RunPlan;

/** All cells: the base model, the trials, then the runs seed by seed, so that work that ends early leaves a table of every method. */
export function cellPlans({ tasks, methods, seeds }: ExperimentConfig): CellPlan[] {
  const pairs = methods.flatMap((method) => tasks.map((task) => ({ method, task })));
  const base = tasks.map((task): CellPlan => ({ kind: 'base', task }));
  const trials = pairs.flatMap(({ method, task }) =>
    method.learningRates.map((learningRate): CellPlan => ({ kind: 'trial', method, task, learningRate })),
  );
  const runs = seeds.flatMap((seed, place) =>
    pairs.filter(({ method }) => place < (method.seeds ?? seeds.length)).map((pair): CellPlan => ({ kind: 'run', ...pair, seed })),
  );
  return [...base, ...trials, ...runs];
}

/** The seed of a training run. */
export function seedOf(plan: CellPlan): number | undefined {
  return plan.kind === 'run' ? plan.seed : undefined;
}

/** A line for the progress display. */
export function cellName(plan: CellPlan): string {
  if (plan.kind === 'base') return `base, ${plan.task}`;
  const what = plan.kind === 'trial' ? `learning rate ${plan.learningRate}` : `seed ${plan.seed}`;
  return `${plan.method.name}, ${plan.task}, ${what}`;
}
