import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/performance.md', 'utf8').replaceAll(/\s+/g, ' ');
const read = (name: string) => JSON.parse(readFileSync(`tests/bench/results/${name}.json`, 'utf8'));

/** One line of a CPU's results. */
interface Line {
  readonly what: string;
  readonly unit: string;
  readonly peer: string;
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}

const ms = (seconds: number) => `${(1000 * seconds).toFixed(0)} ms`;
const gib = (mebibytes: number) => `${(mebibytes / 1024).toFixed(1)} GiB`;
const row = (...cells: (string | number)[]) => `| ${cells.join(' | ')} |`.replaceAll(/\s+/g, ' ');

describe('the numbers of the performance page are those of the results', () => {
  const [step, long, eager, checkpointed, decode] = ['step', 'step-long', 'step-eager', 'step-checkpointed', 'decode'].map((part) =>
    read(`gpu/${part}`),
  );

  it('on a GPU, beside PEFT', () => {
    const seconds = [step.ours, step.compiled, eager.peerEager].map(({ secondsPerStep }) => ms(secondsPerStep));
    expect(page).toContain(row('a step of 4 × 512 tokens', ...seconds));
    expect(page).toContain(row('a step of 2 × 2,048 tokens', ms(long.ours.secondsPerStep), ms(long.compiled.secondsPerStep), ''));
    const first = [step.ours, step.compiled].map(({ firstStepSeconds }) => `${firstStepSeconds.toFixed(0)} s`);
    expect(page).toContain(row('first step of 4 × 512, compiling included', ...first, `${eager.peerEager.firstStepSeconds.toFixed(1)} s`));
    const peaks = [step.ours, step.compiled, eager.peerEager].map(({ peakMegabytes }) => gib(peakMegabytes));
    expect(page).toContain(row('peak memory, 4 × 512', ...peaks));
    const [ours, theirs] = [decode.ours, decode.peer].map(({ tokensPerSecond }) => `${tokensPerSecond.toFixed(0)} tokens/s`);
    expect(page).toContain(`| writing text, one row | ${ours} | | ${theirs} |`);
  });

  it('in the sentences about it', () => {
    const less = ({ ours, compiled }: typeof step) => (100 * (1 - ours.secondsPerStep / compiled.secondsPerStep)).toFixed(0);
    expect(page).toContain(
      `A step of 4 × 512 tokens takes ${less(step)} % less time than under \`torch.compile\`, one of 2 × 2,048 tokens ${less(long)} % less`,
    );
    const { secondsPerStep, peakMegabytes } = checkpointed.ours;
    expect(page).toContain(`the step takes ${ms(secondsPerStep)} and ${gib(peakMegabytes)}`);
    const saved = 100 * (1 - peakMegabytes / step.ours.peakMegabytes);
    expect(page).toContain(`a third more time for ${saved.toFixed(0)} % less memory`);
    expect(secondsPerStep / step.ours.secondsPerStep).toBeCloseTo(4 / 3, 1);
    expect(Math.max(step.comparison.lossGap, long.comparison.lossGap)).toBeLessThan(0.0004);
    const terabytes = (decode.ours.tokensPerSecond * 2 * (6_738_415_616 - 32_000 * 4096)) / 1e12;
    const copied = read('gpu/ceilings').peer.gigabytesPerSecond / 1000;
    expect(page).toContain(
      `${terabytes.toFixed(1)} TB/s, ${((100 * terabytes) / copied).toFixed(0)} % of the ${copied.toFixed(2)} TB/s at which torch copies`,
    );
    const { ours, peer } = read('gpu/adapters');
    expect(page).toContain(`takes ${ours.switchMs.toFixed(1)} ms (PEFT: ${peer.switchMs.toFixed(1)} ms)`);
    expect(page).toContain(`To merge one takes ${ours.mergeMs.toFixed(0)} ms, where PEFT needs ${peer.mergeMs.toFixed(0)} ms`);
  });

  it.each(['layers', 'tokens', 'r'])('as the %s grow', (name) => {
    const { values, secondsPerStep } = read('gpu/growth')[name];
    expect(page).toContain(row(...values.map((value: number) => value.toLocaleString('en'))));
    expect(page).toContain(row('ms per step', ...secondsPerStep.map((each: number) => (1000 * each).toFixed(1))));
  });

  const machines = ['avx512', 'amx', 'avx2'].map((name) => read(`cpu/${name}`).lines as Line[]);
  const nameOf = ({ what }: Line) => what.replace(' r=16', '');

  it.each([
    'LoRA on q, v, 4 × 256, fp32',
    'LoRA on q, v, 4 × 256, bf16 base',
    'LoRA on q, v, 4 × 256, bf16 base: peak memory',
    'LoRA on all seven, 1 × 256, bf16 base',
    'prefix K=10, top 28 layers, 4 × 256, fp32',
    'greedy decoding, batch 1, fp32',
    'base load, ready to run',
    'load an adapter',
  ])('on three classes of CPU: %s', (name) => {
    const cells = machines.flatMap((lines) => {
      const line = lines.find((each) => nameOf(each) === name);
      if (!line) return ['', ''];
      const digits = line.ours < 100 ? 1 : 0;
      const ours = line.ours.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
      return [ours, line.ratio.toFixed(2)];
    });
    const unit = machines.flat().find((each) => nameOf(each) === name)?.unit ?? '';
    expect(page).toContain(row(name, unit, ...cells));
  });

  it('where it is slower', () => {
    const beside = machines.map((lines) => lines.find(({ peer }) => peer.startsWith('llama.cpp')));
    const [first, second, third] = beside.map((line) => [line?.theirs.toFixed(0), line?.ours.toFixed(0)]);
    expect(page).toContain(`${first?.[0]} tokens a second against ${first?.[1]} on the AVX-512 machine`);
    expect(page).toContain(`${second?.[0]} against ${second?.[1]} with AMX, ${third?.[0]} against ${third?.[1]} on AVX2`);
    const merging = machines[0]?.find(({ what }) => what === 'merge and unmerge');
    expect(page).toContain(`took ${merging?.ours.toFixed(0)} ms on the AVX-512 machine, where PEFT took ${merging?.theirs.toFixed(0)} ms`);
  });

  it('of the kernels', () => {
    for (const [kernel, key] of [
      ['cross-entropy', 'crossEntropy'],
      ['SwiGLU', 'swiglu'],
      ['masked softmax', 'softmax'],
      ['rotation', 'rotary'],
    ] as const) {
      const { offOverOn, low, high } = read('cpu/kernels').rows.find(({ kernels }: { kernels: string[] }) => kernels.join() === key);
      expect(page).toContain(`| ${kernel} | ${offOverOn.toFixed(3)} | ${low.toFixed(3)} to ${high.toFixed(3)} |`);
    }
  });

  it('of the host', () => {
    const { parameters, parts, isSameResult } = read('cpu/host');
    const [joint, alone] = ['updateAll', 'update'].map((name) => parts.find((part: { name: string }) => part.name === name));
    expect(page).toContain(
      `on the ${parameters} adapter weights of LLaMA-7B's layers, made so narrow that arithmetic hardly counts, took ${joint.before.toFixed(1)} ms before and ${joint.after.toFixed(1)} ms after`,
    );
    expect(page).toContain(`the median ratio of the pairs is ${joint.ratio.toFixed(2)}, and every bit is the same`);
    expect(page).toContain(`the forward and backward pass, takes ${alone.ratio.toFixed(2)} of its time`);
    expect(isSameResult).toBe(true);
  });
});
