/** The results file of `make experiment`: every number of the comparison, and everything needed to read or repeat it. */

import type { ReviewTask } from '../prompts';
import type { ConfidenceInterval } from '../scores/bootstrapInterval';
import type { ExampleCounts, ExperimentConfig } from './experimentConfig';

/** A results file. */
export interface ExperimentResults {
  readonly format: 2;
  /** The configuration that ran: one form of `experiments/reviewer.json`. */
  readonly config: ExperimentConfig;
  /** Where it ran; more than one entry when several machines, versions or numbers of processes took part. */
  readonly environments: readonly ExperimentEnvironment[];
  /** The base model. */
  readonly model: { readonly name: string; readonly parameters: number };
  /** Name of the data, the SHA-256 of the drawn examples, and how many there are. */
  readonly data: {
    readonly name: string;
    readonly sha256: string;
    readonly examples: Readonly<Partial<Record<ReviewTask, ExampleCounts>>>;
  };
  /** Learning rates tried, and the one chosen, per method and task. */
  readonly sweeps: readonly ExperimentSweep[];
  /** One entry per training run: method, task and seed. */
  readonly runs: readonly Omit<ExperimentRun, 'losses'>[];
  /** One row per method, task and metric. The untuned model is `base`; `OTHER_ROWS` also lists answers that need no model. */
  readonly rows: readonly ExperimentRow[];
  /** Paired differences of the pairs in `config.compare`. */
  readonly differences: readonly ExperimentDifference[];
  /** Every answer, in a file of its own: JSON lines of method, task, seed and answers, compressed; the hash is of the text. */
  readonly answers: { readonly file: string; readonly sha256: string };
  /** Parts of the configuration that have not run. */
  readonly notRun: readonly NotRun[];
}

/** A sweep of learning rates: the first seed, the same number of updates for each rate. */
export interface ExperimentSweep {
  readonly method: string;
  readonly task: ReviewTask;
  /** The lowest validation loss of each trial in nats; null when the training diverged. */
  readonly trials: readonly { readonly learningRate: number; readonly loss: number | null }[];
  /** The rate with the lowest loss. */
  readonly learningRate: number;
  /** Whether the chosen rate is the lowest or the highest that was tried. A better one may then lie outside. */
  readonly isAtEdge: boolean;
}

/** One measured value: the mean over the seeds, with a 95 % bootstrap interval over test examples and seeds. */
export interface ExperimentRow extends ConfidenceInterval {
  /** A method of the configuration, or one of `OTHER_ROWS`. */
  readonly method: string;
  readonly task: ReviewTask;
  readonly metric: ExperimentMetric;
  /** The value of each seed; rows that are not methods have one. */
  readonly perSeed: readonly number[];
  /** Number of test examples, or of texts. */
  readonly examples: number;
}

/** The mean of `method` minus the mean of `reference`, with a 95 % paired bootstrap interval over test examples and seeds. */
export interface ExperimentDifference extends ConfidenceInterval {
  readonly method: string;
  readonly reference: string;
  readonly task: ReviewTask;
  readonly metric: ExperimentMetric;
}

/**
 * Necessity: `f1`, `precision`, `recall` and `accuracy` at the threshold that is best on the validation part. Comment: `bleu4` and
 * `bleu4NoStopWords`. Refinement: `exactMatch` and `bleu4`. All of these range from 0 to 100. All tasks: `perplexity` of the response, and
 * `codeLoss` and `englishLoss`, the loss in nats per token on plain code and English text, which show forgetting.
 */
export type ExperimentMetric =
  | 'f1'
  | 'precision'
  | 'recall'
  | 'accuracy'
  | 'bleu4'
  | 'bleu4NoStopWords'
  | 'exactMatch'
  | 'perplexity'
  | 'codeLoss'
  | 'englishLoss';

/** One training run. */
export interface ExperimentRun {
  readonly method: string;
  readonly task: ReviewTask;
  readonly seed: number;
  readonly learningRate: number;
  readonly trainableParameters: number;
  /** Size of the saved adapter; null for full fine-tuning. */
  readonly adapterBytes: number | null;
  /** Planned peak memory of a training step beyond the frozen weights: gradients, moments, activations. */
  readonly stepBytes: number;
  readonly steps: number;
  /** Why it ended: no lower validation loss within the patience, or the maximum number of updates. */
  readonly endedBy: 'patience' | 'maxSteps';
  /** Loss of each update. */
  readonly losses: readonly number[];
  /** Validation loss before, during and after training, with the seconds of training until then. */
  readonly evaluations: readonly { readonly step: number; readonly loss: number; readonly seconds: number }[];
  /** Training tokens per second: the median over the updates. */
  readonly tokensPerSecond: number;
  /** In the necessity task, the threshold chosen on the validation part. */
  readonly threshold?: number;
}

/** A part that has not run. */
export interface NotRun {
  readonly method: string;
  readonly task: ReviewTask;
  /** Absent when the sweep is missing, too. */
  readonly seed?: number;
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
  /** Processes that shared the device. */
  readonly workers: number;
}
