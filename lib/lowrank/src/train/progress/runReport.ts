/** Reports what a run does to its log, its progress display and its callbacks. */
import { setImmediate } from 'node:timers/promises';
import { AbortedError } from '../../runtime';
import type { TrainOptions } from '../trainOptions';
import { ProgressMeter } from './progressMeter';
import { RunLog } from './runLog';
import type { EvaluationRecord, StepRecord } from './runRecords';

/** A finished update, and its time. */
export interface MadeUpdate {
  readonly record: StepRecord;
  /** Without padding. */
  readonly tokens: number;
  readonly seconds: number;
}

interface ReportedRun {
  /** Updates of the whole run, if known. */
  readonly steps: number | undefined;
  /** The step of the checkpoint from which it resumed, if it did. */
  readonly resumedAt: number | undefined;
  readonly signal: AbortSignal;
}

export class RunReport {
  private readonly meter: ProgressMeter;
  private readonly log?: RunLog;
  private readonly signal: AbortSignal;

  /** @throws StorageError when the log cannot be written; all methods throw it too. */
  constructor(
    private readonly options: Pick<TrainOptions, 'onStep' | 'progress' | 'evaluation' | 'log'>,
    { steps, resumedAt, signal }: ReportedRun,
  ) {
    const { evaluation, log } = options;
    this.meter = new ProgressMeter(steps, evaluation && (evaluation.everySteps ?? Infinity));
    if (log !== undefined) this.log = new RunLog(log, resumedAt);
    this.signal = signal;
  }

  /** Reports updates one by one; the event loop runs after each. */
  async steps(made: readonly MadeUpdate[]): Promise<void> {
    for (const { record } of made) this.log?.append('step', record); // all, before a callback can end the run
    for (const { record, tokens, seconds } of made) {
      this.options.progress?.update(this.meter.after(record.step, record.loss, tokens, seconds));
      await this.call(() => this.options.onStep?.(record));
      await setImmediate();
    }
  }

  /** Reports the progress of an evaluation and its result; `evaluate` returns undefined when it was interrupted. */
  async evaluation(
    step: number,
    evaluate: (onProgress: (done: number, batches: number | undefined) => void) => Promise<EvaluationRecord | undefined>,
  ): Promise<void> {
    const { progress, evaluation } = this.options;
    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1000;
    const record = await evaluate((done, batches) => progress?.evaluating?.(this.meter.evaluating(step, done, batches, seconds())));
    if (!record) return;
    this.meter.evaluated(seconds());
    this.log?.append('evaluation', record);
    await this.call(() => evaluation?.onEvaluation?.(record));
  }

  /** The interrupt that ends the run may also stop the work of a callback, such as generating a sample. */
  private async call(callback: () => unknown): Promise<void> {
    try {
      await callback();
    } catch (error) {
      if (!(this.signal.aborted && error instanceof AbortedError)) throw error;
    }
  }
}
