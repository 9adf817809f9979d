import { progress } from 'lowrank-notebook';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { displaySymbol } from '../../lib/notebook/src/bundle';
import { attachKernel } from './fakeKernel';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('progress', () => {
  it('updates one display at most five times a second and ends with a summary', () => {
    using kernel = attachKernel();
    const { update } = progress({ label: 'fine-tuning', total: 100 });
    for (let step = 1; step <= 100; step++) {
      vi.advanceTimersByTime(20);
      update({ step, loss: 4 / step, tokensPerSecond: 203.4, secondsLeft: (100 - step) / 50 });
    }
    expect(kernel.messages).toHaveLength(11); // 10 in two seconds, and the summary
    expect(kernel.messages.map((message) => message.isUpdate)).toEqual([false, ...Array(10).fill(true)]);
    expect(new Set(kernel.messages.map((message) => message.transient.display_id)).size).toBe(1);
    expect(kernel.texts[5]).toBe('fine-tuning: step 51 of 100, loss 0.078, 203 tokens/s, 1 s left');
    expect(kernel.messages[5]?.data['text/html']).toContain('<progress value="51" max="100"');
    expect(kernel.messages[10]?.data['text/html']).toBe('<p>fine-tuning: 100 steps, loss 0.040, 203 tokens/s, 2 s</p>');
  });

  it('leaves speed and time out of the summary where outputs must be stable', () => {
    using kernel = attachKernel();
    vi.stubEnv('LOWRANK_STABLE_OUTPUT', '1');
    progress({ label: 'fine-tuning' }).update({ step: 2, steps: 2, loss: 1, tokensPerSecond: 203 });
    expect(kernel.texts[0]).toBe('fine-tuning: 2 steps, loss 1.000');
  });

  it('stays as it ended', () => {
    using kernel = attachKernel();
    const bar = progress({ label: 'loading', total: 3 });
    bar.finish('stopped after 2 of 3 files');
    bar.finish();
    bar.update({ step: 3 });
    expect(kernel.texts).toEqual(['loading: stopped after 2 of 3 files']);
  });

  it('writes one line to stderr where no kernel runs', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const bar = progress({ label: 'loading', total: 2 });
    bar.update({ step: 1 });
    vi.advanceTimersByTime(61_000);
    bar.update({ step: 2 });
    expect(write.mock.calls.map(([text]) => String(text)).filter((text) => !text.startsWith('\r'))).toEqual([
      'loading: 2 steps, 1 min 1 s\n',
    ]);
  });

  it('escapes its label', () => {
    expect(progress({ label: '<img src=x onerror=alert(1)>' })[displaySymbol]()['text/html']).not.toContain('<img');
  });
});
