/** The progress of a run: one line that renews itself on a terminal, plain lines elsewhere. */
import process from 'node:process';
import { checkGiven } from '../../runtime/checks/door';
import { counted, duration, type LineStream, StatusLine } from '../../runtime/messages/statusLine';
import type { EvaluationProgress, ProgressDisplay, TrainingProgress } from './progressMeter';

/** The stream of the line, for example `process.stderr`. */
export type TerminalStream = LineStream;

/**
 * Shows `step 12/60 · loss 2.314 · 198 tokens/s · 3 min left`, and `evaluation 3/8 · step 12/60 · 3 min left` while the model is evaluated;
 * pass it to `train` as `progress`.
 *
 * @param stream - @defaultValue `process.stderr`
 */
export function terminalProgress(stream: TerminalStream = process.stderr): ProgressDisplay {
  checkGiven('terminalProgress(stream)', { stream }, { stream: '{write}' });
  const line = new StatusLine(stream);
  return {
    update: (progress) => line.show(progressLine(progress)),
    evaluating: (progress) => line.show(evaluationLine(progress)),
    finish: () => line.finish(),
  };
}

export function progressLine({ step, steps, loss, tokensPerSecond, secondsLeft }: TrainingProgress): string {
  const parts = [`step ${counted(step, steps)}`, `loss ${loss.toFixed(3)}`, `${Math.round(tokensPerSecond)} tokens/s`];
  if (secondsLeft !== undefined && step !== steps) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(' · ');
}

function evaluationLine({ done, batches, step, steps, secondsLeft }: EvaluationProgress): string {
  const parts = [`evaluation ${counted(done, batches)}`, `step ${counted(step, steps)}`];
  if (secondsLeft !== undefined) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(' · ');
}
