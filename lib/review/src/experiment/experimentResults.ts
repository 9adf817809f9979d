/** The results file of `make experiment`: every number of the comparison, and everything needed to read or repeat it. */
import type { ReviewTask } from '../prompts';
import type { ExperimentConfig } from './experimentConfig';

/** A results file. */
export interface ExperimentResults {
  readonly format: 1;
  /** The configuration that ran: one form of `experiments/reviewer.json`. */
  readonly config: ExperimentConfig;
  readonly environment: ExperimentEnvironment;
  /** The frozen base model. */
  readonly model: { readonly name: string; readonly parameters: number };
  readonly data: { readonly name: string; readonly sha256: string };
  /** One row per method, task and metric. The untuned base model is the method `base`. */
  readonly rows: readonly ExperimentRow[];
  /** One entry per training run: method, task and seed. */
  readonly runs: readonly ExperimentRun[];
  /** Parts of the configuration that did not run because the work ended early. */
  readonly notRun: readonly { readonly method: string; readonly task: ReviewTask; readonly seed: number }[];
}

/** One measured value: the mean over the seeds, with a bootstrap interval over the held-out examples. */
export interface ExperimentRow {
  /** `base`, or the name of a method in the configuration. */
  readonly method: string;
  readonly task: ReviewTask;
  readonly metric: ExperimentMetric;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The value of each seed; the base model has one. */
  readonly perSeed: readonly number[];
  /** Number of held-out examples. */
  readonly examples: number;
  readonly trainableParameters: number;
}

/**
 * The scores of the tasks. Necessity: `f1`, `precision`, `recall` and `accuracy` at a probability of 0.5, from 0 to 100, and `bestF1`
 * at the best threshold on the validation part. Comment: `bleu4` and `bleu4NoStopWords`. Refinement: `bleu4` and `exactMatch`. All
 * tasks: `perplexity` of the response.
 */
export type ExperimentMetric =
  | 'f1'
  | 'bestF1'
  | 'precision'
  | 'recall'
  | 'accuracy'
  | 'bleu4'
  | 'bleu4NoStopWords'
  | 'exactMatch'
  | 'perplexity';

/** One training run. */
export interface ExperimentRun {
  readonly method: string;
  readonly task: ReviewTask;
  readonly seed: number;
  readonly steps: number;
  /** Loss of each update. */
  readonly losses: readonly number[];
  /** Validation loss before, during and after training. */
  readonly evaluations: readonly { readonly step: number; readonly loss: number }[];
  readonly learningRate: number;
  readonly trainableParameters: number;
  /** Duration of the training, with evaluations. */
  readonly seconds: number;
}

/** The environment of the run, without any machine name. */
export interface ExperimentEnvironment {
  readonly lowrank: string;
  readonly node: string;
  readonly tensorflow: string;
  /** Model name of the processor or GPU. */
  readonly device: string;
  /** Processor cores. */
  readonly cores: number;
  readonly memoryGiB: number;
}
