/** A run's progress as one line that renews itself, or as plain lines where the output is no terminal. */
import type { ProgressDisplay, TrainingProgress } from './progress';

/** Where the line goes; `process.stderr` is one. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  /** Some terminals say 0 and mean that they do not know. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** How often a terminal's line is renewed, and how often a log gets one. */
const TERMINAL_INTERVAL = 200; // ms
const LOG_INTERVAL = 10_000; // ms

/**
 * Shows `step 12/60 · loss 2.314 · 198 tokens/s · 3 min left`; give it to `train` as `progress`.
 *
 * @param stream - @defaultValue `process.stderr`
 */
export function terminalProgress(stream: TerminalStream = process.stderr): ProgressDisplay {
  const isTerminal = stream.isTTY === true;
  const interval = isTerminal ? TERMINAL_INTERVAL : LOG_INTERVAL;
  let latest: TrainingProgress | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  const show = (progress: TrainingProgress) => {
    const line = progressLine(progress);
    stream.write(isTerminal ? `\r\u001b[K${line.slice(0, (stream.columns || 80) - 1)}` : `${line}\n`);
    shownAt = performance.now();
    latest = undefined;
  };
  return {
    update(progress) {
      latest = progress;
      if (performance.now() - shownAt >= interval) show(progress);
    },
    finish() {
      if (latest) show(latest);
      if (isTerminal && shownAt > Number.NEGATIVE_INFINITY) stream.write('\n');
    },
  };
}

/** The progress in one short line. */
export function progressLine({ step, steps, loss, tokensPerSecond, secondsLeft }: TrainingProgress): string {
  const count = steps === undefined ? `step ${step}` : `step ${step}/${steps}`;
  const parts = [count, `loss ${loss.toFixed(3)}`, `${Math.round(tokensPerSecond)} tokens/s`];
  if (secondsLeft !== undefined && step !== steps) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(' · ');
}

/** `45 s`, `3 min`, `2 h 05 min` */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
