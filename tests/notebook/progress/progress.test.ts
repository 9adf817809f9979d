import { getPeftModel, LlamaForCausalLM, LoraConfig, padBatch, train } from 'lowrank';
import { progress } from 'lowrank-notebook';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { displaySymbol } from '../../../lib/notebook/src/bundle';
import { SMALL_SIZES } from '../../llama/smallSizes';
import { attachKernel } from '../fakeKernel';

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

  it('shows evaluations between steps, and the one after the last step until the end', () => {
    using kernel = attachKernel();
    const bar = progress({ label: 'fine-tuning', total: 2 });
    bar.update({ step: 1, loss: 2 });
    vi.advanceTimersByTime(250);
    bar.evaluating({ done: 1, batches: 4, secondsLeft: 90 });
    vi.advanceTimersByTime(250);
    bar.update({ step: 2, loss: 1 });
    vi.advanceTimersByTime(250);
    bar.evaluating({ done: 3, batches: 4 });
    bar.evaluating({ done: 4, batches: 4 }); // too soon to be painted
    bar.finish();
    expect(kernel.texts).toEqual([
      'fine-tuning: step 1 of 2, loss 2.000',
      'fine-tuning: step 1 of 2, evaluation 1 of 4, loss 2.000, 2 min left',
      'fine-tuning: 2 steps, loss 1.000, 1 s',
      'fine-tuning: step 2 of 2, evaluation 3 of 4, loss 1.000',
      'fine-tuning: 2 steps, loss 1.000, 1 s',
    ]);
  });

  it('is one line of a terminal that never folds, until its summary', () => {
    const { isTTY, columns } = process.stderr;
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    Object.assign(process.stderr, { isTTY: true, columns: 30 });
    const bar = progress({ label: 'fine-tuning', total: 2 });
    bar.update({ step: 1, loss: 2, tokensPerSecond: 203 });
    vi.advanceTimersByTime(250);
    bar.update({ step: 2, loss: 1, tokensPerSecond: 203 });
    Object.assign(process.stderr, { isTTY, columns });
    expect(written.mock.calls.map(([text]) => text)).toEqual([
      '\r\u001b[Kfine-tuning: step 1 of 2, los',
      '\r\u001b[Kfine-tuning: 2 steps, loss 1.000, 203 tokens/s, 0 s\n',
    ]);
  });

  it('is what train reports to, as it is', async () => {
    const kernel = attachKernel();
    const model = LlamaForCausalLM.fromConfig(SMALL_SIZES, { seed: 1 });
    const peft = getPeftModel(model, new LoraConfig());
    const batch = padBatch([{ inputIds: [1, 2, 3], labels: [1, 2, 3] }], { padTokenId: 0 });
    await train(peft, [batch], { steps: 1, progress: progress({ label: 'training', total: 1 }), evaluation: { batches: [batch] } });
    model.dispose();
    expect(kernel.texts[0]).toMatch(/^training: step 0 of 1, evaluation 1 of 1/);
    expect(kernel.texts.at(-1)).toMatch(/^training: 1 step, loss /);
    kernel[Symbol.dispose]();
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
    expect(write.mock.calls.map(([text]) => String(text)).filter((text) => !text.startsWith('\r'))).toEqual(['loading: 2 steps, 61 s\n']);
  });

  it.each([true, false])('lets no control character of its label or summary move a terminal (isTTY %s)', (isTTY) => {
    const before = process.stderr.isTTY;
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    Object.assign(process.stderr, { isTTY });
    const bar = progress({ label: 'a\u001b[2Jb\nc\u202e', total: 2 });
    bar.update({ step: 1 });
    bar.finish('d\u0007\r\ne');
    Object.assign(process.stderr, { isTTY: before });
    const texts = ['\r\u001b[Ka\ufffd[2Jb c\ufffd: step 1 of 2', '\r\u001b[Ka\ufffd[2Jb c\ufffd: d\ufffd e\n'];
    expect(written.mock.calls.map(([text]) => text)).toEqual(isTTY ? texts : [texts[1]?.slice(4)]);
    expect(bar[displaySymbol]()['text/plain']).toBe('a\ufffd[2Jb c\ufffd: d\ufffd e');
  });

  it('escapes its label', () => {
    expect(progress({ label: '<img src=x onerror=alert(1)>' })[displaySymbol]()['text/html']).not.toContain('<img');
  });
});
