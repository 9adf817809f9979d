/** What a run tells of itself. */
import type { Evaluation } from '../evaluateLoss';

/** One update, as it was. */
export interface StepRecord {
  /** Counted from 1. */
  readonly step: number;
  /** The mean over the update's labels, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradNorm: number;
  /** Padding not counted. */
  readonly tokensPerSecond: number;
}

/** The held-out loss after so many updates. */
export interface EvaluationRecord extends Evaluation {
  readonly step: number;
}
