/** The evaluation data of a run. */
import type { Batch } from './data/batch';

/** Held-out data, read from the beginning each time. */
export interface EvaluationPlan {
  /** The held-out batches; a function is called for each evaluation. */
  readonly batches: Iterable<Batch> | (() => Iterable<Batch> | AsyncIterable<Batch>);
  /** Whether the weights of the lowest loss are remembered. */
  readonly keepBest?: boolean;
}
