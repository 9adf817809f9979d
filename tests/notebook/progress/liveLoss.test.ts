import { liveLoss } from 'lowrank-notebook';
import { expect, test, vi } from 'vitest';
import { attachKernel } from '../fakeKernel';

test('the curve grows in place, at most once a second, and ends with a picture for readers without scripts', async () => {
  using kernel = attachKernel();
  vi.useFakeTimers({ toFake: ['performance'] });
  const chart = liveLoss('comment', { title: 'Loss' });
  for (let step = 1; step <= 25; step++) {
    vi.advanceTimersByTime(100);
    chart.update({ step, loss: 5 / step });
  }
  chart.finish();
  vi.useRealTimers();
  await chart.shown();
  expect(kernel.messages.map(({ isUpdate }) => isUpdate)).toEqual([false, true, true, true]);
  expect(new Set(kernel.messages.map(({ transient }) => transient.display_id)).size).toBe(1);
  expect(kernel.messages.map(({ data }) => 'image/svg+xml' in data)).toEqual([false, false, false, true]);
  expect(kernel.texts.at(-1)).toBe('Line chart of loss (nats per token) against step (Loss): comment from 5 at 1 to 0.2 at 25.');
});

test('without a step there is nothing to show, and without a kernel a sentence at the end', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await liveLoss().shown();
  expect(write).not.toHaveBeenCalled();
  const chart = liveLoss();
  chart.update({ step: 1, loss: 2 });
  await chart.shown();
  expect(write.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining('training 2 at 1')]);
  write.mockRestore();
});
