import { type EvaluationProgress, terminalProgress, train } from 'lowrank';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProgressMeter } from '../../../lib/lowrank/src/train/progress/progressMeter';
import { tinyModel } from '../../peft/tinyModel';

const at = (step: number) => ({ step, steps: 60, loss: 2.31449, tokensPerSecond: 197.6, secondsLeft: 3 * 60 });

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function capture(isTTY: boolean, columns?: number) {
  const written: string[] = [];
  return { written, stream: { isTTY, columns, write: (text: string) => written.push(text) } };
}

test('a terminal gets one line that renews itself at most five times a second', () => {
  const { written, stream } = capture(true);
  const display = terminalProgress(stream);
  for (let step = 1; step <= 20; step++) {
    display.update(at(step));
    vi.advanceTimersByTime(50);
  }
  display.finish();
  expect(written.length).toBe(7); // at 0, 200, 400, 600, 800 ms, then the last state and the line's end
  expect(written[0]).toBe('\r\u001b[Kstep 1/60 · loss 2.314 · 198 tokens/s · 3 min left');
  expect(written.at(-2)).toContain('step 20/60');
  expect(written.at(-1)).toBe('\n');
});

test('a line is no longer than the terminal is wide', () => {
  const { written, stream } = capture(true, 20);
  terminalProgress(stream).update(at(1));
  expect(written[0]).toBe('\r\u001b[Kstep 1/60 · loss 2.');
});

test('a log gets plain lines, now and then and at the end', () => {
  const { written, stream } = capture(false);
  const display = terminalProgress(stream);
  for (let step = 1; step <= 60; step++) {
    display.update({ ...at(step), secondsLeft: 60 - step });
    vi.advanceTimersByTime(1000);
  }
  display.finish();
  expect(written.length).toBe(7);
  expect(written[1]).toBe('step 11/60 · loss 2.314 · 198 tokens/s · 49 s left\n');
  expect(written.at(-1)).toBe('step 60/60 · loss 2.314 · 198 tokens/s\n');
});

test('a run that makes no step shows nothing', () => {
  const { written, stream } = capture(true);
  terminalProgress(stream).finish();
  expect(written).toEqual([]);
});

test('speed and time left follow the latest steps', () => {
  const meter = new ProgressMeter(100);
  let progress = meter.after(1, 2, 100, 1);
  expect(progress).toEqual({ step: 1, steps: 100, loss: 2, tokensPerSecond: 100, secondsLeft: 99 });
  for (let step = 2; step <= 60; step++) progress = meter.after(step, 2, 100, 0.5);
  expect(progress.tokensPerSecond).toBeCloseTo(200, 0);
  expect(progress.secondsLeft).toBeCloseTo(20, 0);
  expect(new ProgressMeter().after(1, 2, 100, 1)).toEqual({ step: 1, loss: 2, tokensPerSecond: 100 });
});

test('a terminal that says it has 0 columns gets the whole line', () => {
  const { written, stream } = capture(true, 0);
  terminalProgress(stream).update(at(1));
  expect(written[0]).toBe('\r\u001b[Kstep 1/60 · loss 2.314 · 198 tokens/s · 3 min left');
});

test('the time left counts the evaluations that are still to come', () => {
  const meter = new ProgressMeter(10, 5);
  meter.evaluated(100);
  expect([1, 4, 5, 6, 9].map((step) => meter.after(step, 2, 100, 1).secondsLeft)).toEqual([209, 206, 205, 104, 101]);
  const last = new ProgressMeter(10, Number.POSITIVE_INFINITY);
  last.evaluated(100);
  expect([1, 10].map((step) => last.after(step, 2, 100, 1).secondsLeft)).toEqual([109, 100]);
});

test('an evaluation is shown batch by batch, with the time that the whole run has left', () => {
  const meter = new ProgressMeter(10, 5);
  expect(meter.evaluating(0, 1, 4, 2)).toEqual({ step: 0, steps: 10, done: 1, batches: 4 }); // nobody knows yet what an update takes
  meter.evaluated(8);
  for (let step = 1; step <= 5; step++) meter.after(step, 2, 100, 1);
  expect(meter.evaluating(5, 3, 4, 6)).toMatchObject({ step: 5, secondsLeft: 2 + 5 + 8 }); // the rest of it, five updates, the last one
  const { written, stream } = capture(false);
  const display = terminalProgress(stream);
  display.evaluating?.({ step: 0, steps: 10, done: 1, batches: 4 });
  vi.advanceTimersByTime(10_000);
  display.evaluating?.(meter.evaluating(5, 3, 4, 6));
  expect(written).toEqual(['evaluation 1/4 · step 0/10\n', 'evaluation 3/4 · step 5/10 · 15 s left\n']);
});

test('train tells of every batch of its evaluations', async () => {
  vi.useRealTimers();
  const told: string[] = [];
  const progress = {
    update: ({ step }: { step: number }) => void told.push(`step ${step}`),
    evaluating: ({ done, batches, step }: EvaluationProgress) => void told.push(`evaluation ${done}/${batches} at ${step}`),
    finish: () => void told.push('end'),
  };
  const model = tinyModel();
  const batch = { inputIds: [[1, 2, 3]], labels: [[1, 2, 3]], attentionMask: [[1, 1, 1]] };
  await train(model, [batch, batch], { progress, evaluation: { batches: [batch, batch, batch] } });
  model.dispose();
  const evaluation = (step: number) => [1, 2, 3].map((done) => `evaluation ${done}/3 at ${step}`);
  expect(told).toEqual([...evaluation(0), 'step 1', 'step 2', ...evaluation(2), 'end']);
});
