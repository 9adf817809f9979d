/** The progress bar of a training run or of other long work. */
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { checkKnown, counted, duration, printable } from 'lowrank/internal';
import { type Displayable, displaySymbol, type MimeBundle } from '../bundle';
import { escapeHtml } from '../html';
import { displayBundle, isKernelAttached } from '../kernel';

/** Text of a user on one line of a terminal, which it must not move or colour. */
const inLine = (text: string) => printable(text.replace(/[\r\n]+/g, ' '));

/** At most five repaints a second; more would flood the notebook's channel. */
const REPAINT_MILLISECONDS = 200;

/** Initial settings of `progress`. */
export interface ProgressOptions {
  /** Name of the work, for example `fine-tuning`. */
  readonly label: string;
  /** Total number of steps; `steps` in an update takes precedence. */
  readonly total?: number;
}

/** The state of long work, as the training loop reports it. */
export interface ProgressState {
  /** Finished steps. */
  readonly step: number;
  readonly steps?: number;
  readonly loss?: number;
  readonly tokensPerSecond?: number;
  readonly secondsLeft?: number;
}

/** The progress of an evaluation, as the training loop reports it. */
export interface EvaluationState {
  /** Finished batches, out of `batches` if that is known. */
  readonly done: number;
  readonly batches?: number;
  /** Remaining time of the whole work. */
  readonly secondsLeft?: number;
}

/**
 * A progress bar that updates in place in a notebook, or one line on stderr in a terminal.
 *
 * A saved notebook keeps the final state, a one-line summary. With `LOWRANK_STABLE_OUTPUT` in the environment, the summary omits speed
 * and time, so committed outputs change only when results do.
 */
export class Progress implements Displayable {
  private readonly id = randomUUID();
  private readonly label: string;
  private readonly total: number | undefined;
  private readonly startedAt = performance.now();
  private state: ProgressState = { step: 0 };
  private evaluation: EvaluationState | undefined;
  private summary: string | undefined;
  private paintedAt = Number.NEGATIVE_INFINITY;
  private isPainted = false;

  constructor(options: ProgressOptions) {
    checkKnown('Progress', options, ['label', 'total']);
    const { label, total } = options;
    this.label = label;
    this.total = total;
  }

  /** Records the newest state; the last step finishes the bar. Bound, so it can serve as a callback. */
  readonly update = (state: ProgressState): void => {
    if (this.summary !== undefined) return;
    this.state = state;
    this.evaluation = undefined;
    const { steps } = this;
    if (steps !== undefined && state.step >= steps) this.finish();
    else this.repaint();
  };

  /** Records the progress of an evaluation. After the last step, it replaces the summary until `finish`. */
  readonly evaluating = (evaluation: EvaluationState): void => {
    if (!isKernelAttached() && !process.stderr.isTTY) return; // a log cannot be overwritten
    this.evaluation = evaluation;
    this.summary = undefined;
    this.repaint();
  };

  /** Finishes the bar with the given summary, or with steps, loss, speed and time. */
  readonly finish = (summary = this.ownSummary()): void => {
    if (this.summary !== undefined) return;
    this.evaluation = undefined;
    this.summary = summary;
    this.paint();
  };

  /** What a Jupyter client shows. */
  [displaySymbol](): MimeBundle {
    const text = this.text();
    if (this.summary !== undefined) return { 'text/html': `<p>${escapeHtml(text)}</p>`, 'text/plain': inLine(text) };
    const extent = this.steps === undefined ? '' : ` value="${Math.min(this.state.step, this.steps)}" max="${this.steps}"`;
    const bar = `<progress${extent} style="width: 20em; vertical-align: middle"></progress>`;
    return { 'text/html': `<p>${bar} ${escapeHtml(text)}</p>`, 'text/plain': inLine(text) };
  }

  private get steps(): number | undefined {
    return this.state.steps ?? this.total;
  }

  private text(): string {
    if (this.summary !== undefined) return `${this.label}: ${this.summary}`;
    const { step, loss, tokensPerSecond, secondsLeft } = { ...this.state, ...this.evaluation };
    const parts = [`${this.label}: step ${counted(step, this.steps, ' of ')}`];
    if (this.evaluation) parts.push(`evaluation ${counted(this.evaluation.done, this.evaluation.batches, ' of ')}`);
    if (loss !== undefined) parts.push(`loss ${loss.toFixed(3)}`);
    if (tokensPerSecond !== undefined) parts.push(`${Math.round(tokensPerSecond)} tokens/s`);
    if (secondsLeft !== undefined) parts.push(`${duration(secondsLeft)} left`);
    return parts.join(', ');
  }

  private ownSummary(): string {
    const { step, loss, tokensPerSecond } = this.state;
    const parts = [`${step} ${step === 1 ? 'step' : 'steps'}`];
    if (loss !== undefined) parts.push(`loss ${loss.toFixed(3)}`);
    if (process.env.LOWRANK_STABLE_OUTPUT) return parts.join(', ');
    if (tokensPerSecond !== undefined) parts.push(`${Math.round(tokensPerSecond)} tokens/s`);
    return [...parts, duration((performance.now() - this.startedAt) / 1000)].join(', ');
  }

  private repaint(): void {
    if (performance.now() - this.paintedAt >= REPAINT_MILLISECONDS) this.paint();
  }

  private paint(): void {
    this.paintedAt = performance.now();
    if (isKernelAttached()) displayBundle(this[displaySymbol](), { id: this.id, isUpdate: this.isPainted });
    else this.paintTerminal();
    this.isPainted = true;
  }

  private paintTerminal(): void {
    const { isTTY, columns } = process.stderr;
    const isLast = this.summary !== undefined;
    const text = inLine(this.text());
    // A line that the terminal folds could not be replaced; some terminals say 0 columns for unknown.
    if (isTTY) process.stderr.write(`\r\u001b[K${isLast ? `${text}\n` : text.slice(0, (columns || 80) - 1)}`);
    else if (isLast) process.stderr.write(`${text}\n`);
  }
}

/** Starts a progress bar. Pass its `update` to the code that reports steps. */
export function progress(options: ProgressOptions): Progress {
  return new Progress(options);
}
