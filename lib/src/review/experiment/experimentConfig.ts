/** What an experiment compares, and on how much. */
import type { AdaptionPromptOptions, LoraOptions } from '../../peft';
import type { ReviewTask } from '../prompts';

/** One form of the experiment. */
export interface ExperimentConfig {
  /** `short` or `long`. */
  readonly name: string;
  readonly methods: readonly ExperimentMethod[];
  readonly tasks: readonly ReviewTask[];
  readonly seeds: readonly number[];
  /** Most tokens of an example. */
  readonly maxLength: number;
  /** Examples per update. */
  readonly batchSize: number;
  /** Batches per update. */
  readonly gradientAccumulation: number;
  /** Updates of each run. */
  readonly steps: number;
  /** Updates between two evaluations on the validation part. */
  readonly evaluateEvery: number;
  readonly examples: { readonly train: number; readonly validation: number; readonly test: number };
  /** Most tokens that are generated per comment or refinement. */
  readonly maxNewTokens: Readonly<Record<'comment' | 'refinement', number>>;
}

/** One way of fine-tuning. */
export interface ExperimentMethod {
  /** Shown in tables, for example `LoRA r=16, α=16`. */
  readonly name: string;
  readonly adapter: ({ readonly peftType: 'LORA' } & LoraOptions) | ({ readonly peftType: 'ADAPTION_PROMPT' } & AdaptionPromptOptions);
  /** @defaultValue the method's own, see `methodDefaults` */
  readonly learningRate?: number;
}
