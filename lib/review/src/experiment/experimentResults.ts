/** What `make experiment` writes: every number of the comparison, and all that is needed to read or repeat it. */
import type { ReviewTask } from '../prompts';
import type { ExperimentConfig } from './experimentConfig';

/** A results file. */
export interface ExperimentResults {
  readonly format: 1;
  /** The configuration that was run, one of the forms of `experiments/reviewer.json`. */
  readonly config: ExperimentConfig;
  readonly environment: ExperimentEnvironment;
  /** The frozen base model. */
  readonly model: { readonly name: string; readonly parameters: number };
  readonly data: { readonly name: string; readonly sha256: string };
  /** One row per method, task and metric; the untuned base is the method `base`. */
  readonly rows: readonly ExperimentRow[];
  /** One per method, task and seed: how the training went. */
  readonly runs: readonly ExperimentRun[];
  /** What of the configuration was not run, where the work ended early. */
  readonly notRun: readonly { readonly method: string; readonly task: ReviewTask; readonly seed: number }[];
}

/** One measured value: the mean over the seeds, with a bootstrap interval over the held-out examples. */
export interface ExperimentRow {
  /** `base` or the name of a method of the configuration. */
  readonly method: string;
  readonly task: ReviewTask;
  readonly metric: ExperimentMetric;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The value of each seed on its own; of the base there is one. */
  readonly perSeed: readonly number[];
  /** Held-out examples. */
  readonly examples: number;
  readonly trainableParameters: number;
}

/**
 * The scores of the tasks. Necessity: `f1`, `precision`, `recall`, `accuracy` at a probability of 0.5, from 0 to 100, and `bestF1` at the
 * threshold that was best on the validation part. Comment: `bleu4` and `bleu4NoStopWords`. Refinement: `bleu4` and `exactMatch`. All
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

/** One training. */
export interface ExperimentRun {
  readonly method: string;
  readonly task: ReviewTask;
  readonly seed: number;
  readonly steps: number;
  /** Loss of each update. */
  readonly losses: readonly number[];
  /** Validation loss before, during and after. */
  readonly evaluations: readonly { readonly step: number; readonly loss: number }[];
  readonly learningRate: number;
  readonly trainableParameters: number;
  /** Of the training, evaluations included. */
  readonly seconds: number;
}

/** What it was run with, without any name of a machine. */
export interface ExperimentEnvironment {
  readonly lowrank: string;
  readonly node: string;
  readonly tensorflow: string;
  /** The name of the processor or of the GPU. */
  readonly device: string;
  /** Processor cores. */
  readonly cores: number;
  readonly memoryGiB: number;
}
