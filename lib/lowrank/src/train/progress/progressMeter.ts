/** The progress of a run, for a notebook, a terminal or a log. */

/** The progress of a run. */
export interface TrainingProgress {
  /** Updates made. */
  readonly step: number;
  /** Updates of the whole run, if known. */
  readonly steps?: number;
  readonly loss: number;
  /** A recent average, without padding. */
  readonly tokensPerSecond: number;
  /** Only if `steps` is known. */
  readonly secondsLeft?: number;
}

/** The progress of an evaluation in a run. */
export interface EvaluationProgress {
  /** Evaluated batches, of `batches` if known. */
  readonly done: number;
  readonly batches?: number;
  /** Updates made, of `steps` if known. */
  readonly step: number;
  readonly steps?: number;
  /** The remaining time of the whole run, once the time of an update is known. */
  readonly secondsLeft?: number;
}

/** A display of a running run. */
export interface ProgressDisplay {
  /** Called after every update. */
  update(progress: TrainingProgress): void;
  /** Called after every batch of an evaluation. */
  evaluating?(progress: EvaluationProgress): void;
  /** Called once at the end of the run, also after an error. */
  finish(): void;
}

/** The weight of the newest step in the averages: about the last ten steps count. */
const NEWEST = 0.1;

/** Turns finished steps into progress with steady averages. */
export class ProgressMeter {
  private secondsPerStep?: number;
  private tokensPerStep?: number;
  private secondsPerEvaluation?: number;

  /**
   * @param steps - the updates of the whole run, if known
   * @param evaluateEvery - updates between two evaluations, Infinity for one at the end only; undefined without evaluations
   */
  constructor(
    private readonly steps?: number,
    private readonly evaluateEvery?: number,
  ) {}

  /** Adds the time of an evaluation. */
  evaluated(seconds: number): void {
    this.secondsPerEvaluation = average(this.secondsPerEvaluation, seconds);
  }

  /** The progress of an evaluation after `done` batches and this many seconds. */
  evaluating(step: number, done: number, batches: number | undefined, seconds: number): EvaluationProgress {
    const progress = { done, batches, step, steps: this.steps };
    if (batches === undefined || this.steps === undefined || this.secondsPerStep === undefined) return progress;
    const whole = (seconds * batches) / done;
    const later = (this.evaluationsAfter(step, this.steps) - 1) * (this.secondsPerEvaluation ?? whole);
    return { ...progress, secondsLeft: whole - seconds + (this.steps - step) * this.secondsPerStep + Math.max(0, later) };
  }

  /** Adds the step that just ended. */
  after(step: number, loss: number, tokens: number, seconds: number): TrainingProgress {
    this.secondsPerStep = average(this.secondsPerStep, seconds);
    this.tokensPerStep = average(this.tokensPerStep, tokens);
    const tokensPerSecond = this.tokensPerStep / this.secondsPerStep;
    if (this.steps === undefined) return { step, loss, tokensPerSecond };
    const secondsLeft =
      (this.steps - step) * this.secondsPerStep + this.evaluationsAfter(step, this.steps) * (this.secondsPerEvaluation ?? 0);
    return { step, steps: this.steps, loss, tokensPerSecond, secondsLeft };
  }

  /** The evaluations that are left: one per interval, including this step, and one after the last update. */
  private evaluationsAfter(step: number, steps: number): number {
    if (this.evaluateEvery === undefined) return 0;
    return Math.max(1, Math.ceil(steps / this.evaluateEvery)) - Math.floor((step - 1) / this.evaluateEvery);
  }
}

function average(before: number | undefined, value: number): number {
  return before === undefined ? value : before + NEWEST * (value - before);
}
