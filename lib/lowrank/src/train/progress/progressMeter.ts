/** How far a run is, for whatever shows it: a notebook, a terminal, a log. */

/** One moment of a run. */
export interface TrainingProgress {
  /** Updates made. */
  readonly step: number;
  /** Updates of the whole run, where that is known. */
  readonly steps?: number;
  readonly loss: number;
  /** Of late, padding not counted. */
  readonly tokensPerSecond: number;
  /** Where `steps` is known. */
  readonly secondsLeft?: number;
}

/** One moment of an evaluation in a run. */
export interface EvaluationProgress {
  /** Batches gone through, of `batches` where that is known. */
  readonly done: number;
  readonly batches?: number;
  /** Updates made, of `steps` where that is known. */
  readonly step: number;
  readonly steps?: number;
  /** Of the whole run, once it is known what an update takes. */
  readonly secondsLeft?: number;
}

/** Something that shows a run while it goes on. */
export interface ProgressDisplay {
  /** Called after every update. */
  update(progress: TrainingProgress): void;
  /** Called after every batch of an evaluation. */
  evaluating?(progress: EvaluationProgress): void;
  /** Called once, however the run ends. */
  finish(): void;
}

/** How much the newest step weighs in the averages: about the last ten steps count. */
const NEWEST = 0.1;

/** Turns finished steps into progress with steady averages. */
export class ProgressMeter {
  private secondsPerStep?: number;
  private tokensPerStep?: number;
  private secondsPerEvaluation?: number;

  /**
   * @param steps - the updates of the whole run, where that is known
   * @param evaluateEvery - updates between two evaluations, Infinity for one at the end alone; none where nothing is evaluated
   */
  constructor(
    private readonly steps?: number,
    private readonly evaluateEvery?: number,
  ) {}

  /** Takes in what an evaluation took. */
  evaluated(seconds: number): void {
    this.secondsPerEvaluation = average(this.secondsPerEvaluation, seconds);
  }

  /** How far an evaluation is that has gone through `done` batches in so many seconds. */
  evaluating(step: number, done: number, batches: number | undefined, seconds: number): EvaluationProgress {
    const progress = { done, batches, step, steps: this.steps };
    if (batches === undefined || this.steps === undefined || this.secondsPerStep === undefined) return progress;
    const whole = (seconds * batches) / done;
    const later = (this.evaluationsAfter(step, this.steps) - 1) * (this.secondsPerEvaluation ?? whole);
    return { ...progress, secondsLeft: whole - seconds + (this.steps - step) * this.secondsPerStep + Math.max(0, later) };
  }

  /** Takes in the step that just ended. */
  after(step: number, loss: number, tokens: number, seconds: number): TrainingProgress {
    this.secondsPerStep = average(this.secondsPerStep, seconds);
    this.tokensPerStep = average(this.tokensPerStep, tokens);
    const tokensPerSecond = this.tokensPerStep / this.secondsPerStep;
    if (this.steps === undefined) return { step, loss, tokensPerSecond };
    const secondsLeft =
      (this.steps - step) * this.secondsPerStep + this.evaluationsAfter(step, this.steps) * (this.secondsPerEvaluation ?? 0);
    return { step, steps: this.steps, loss, tokensPerSecond, secondsLeft };
  }

  /** Every so many updates, that of this very step included, and after the last one. */
  private evaluationsAfter(step: number, steps: number): number {
    if (this.evaluateEvery === undefined) return 0;
    return Math.max(1, Math.ceil(steps / this.evaluateEvery)) - Math.floor((step - 1) / this.evaluateEvery);
  }
}

function average(before: number | undefined, value: number): number {
  return before === undefined ? value : before + NEWEST * (value - before);
}
