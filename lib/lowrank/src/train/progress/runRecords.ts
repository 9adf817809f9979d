/** The records of a run. */
import type { Evaluation } from '../evaluateLoss';

/** The record of an update. */
export interface StepRecord {
  /** Counted from 1. */
  readonly step: number;
  /** The mean over the update's labels, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Before clipping. */
  readonly gradNorm: number;
  /** Without padding. */
  readonly tokensPerSecond: number;
}

/** The held-out loss after a number of updates. */
export interface EvaluationRecord extends Evaluation {
  readonly step: number;
}
