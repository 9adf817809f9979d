/** The rows of the CPU table: what is measured, beside whom, and what ratio is the goal. */
import { lossGap, TOLERANCE } from './losses.ts';
import type { PackedAnswer } from './packed.ts';
import type { Contestant } from './processes.ts';
import { type AdapterAnswer, type DecodeAnswer, median, type TaskOptions, type TrainAnswer } from './task.ts';

/** One line of the table. */
export interface Line {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  /** Smallest and largest, where it was measured several times. */
  readonly spread?: readonly number[];
  readonly peer: string;
  readonly theirs: number;
  readonly theirSpread?: readonly number[];
  /** Ours through theirs. */
  readonly ratio: number;
  /** The ratio that is the goal, at least or at most. */
  readonly goal: number;
  readonly isMet: boolean;
  readonly note?: string;
}

/** Who is there to be measured, and how often. */
export interface Setting {
  readonly ours: Contestant;
  /** Ours with the GGUF file that llama.cpp reads. */
  readonly oursFromGguf: Contestant;
  readonly peer: Contestant;
  readonly llamaCpp?: Contestant;
  readonly adapters: Readonly<Record<'lora' | 'loraAll' | 'loraNudged' | 'prefix', string>>;
  readonly threads: number;
  /** How many processes of each, in turn. */
  readonly rounds: number;
  readonly say: (text: string) => void;
}

/** A row by its name on the command line. */
export const ROWS: Readonly<Record<string, (setting: Setting) => Line[]>> = {
  'lora-float32': (s) => training(s, 'LoRA r=16 on q, v, 4 × 256, fp32', { adapter: s.adapters.lora, goal: 1.25, startGoal: 8 }),
  'lora-all-float32': (s) => training(s, 'LoRA r=16 on all seven, 1 × 256, fp32', { adapter: s.adapters.loraAll, goal: 1.25, batch: 1 }),
  'lora-bfloat16': (s) =>
    training(s, 'LoRA r=16 on q, v, 4 × 256, bf16 base', { adapter: s.adapters.lora, goal: 1.5, dtype: 'bfloat16', memoryGoal: 0.9 }),
  'lora-all-bfloat16': (s) =>
    training(s, 'LoRA r=16 on all seven, 1 × 256, bf16 base', { adapter: s.adapters.loraAll, goal: 1.5, batch: 1, dtype: 'bfloat16' }),
  prefix: (s) => training(s, 'prefix K=10, top 28 layers, 4 × 256, fp32', { adapter: s.adapters.prefix, goal: 1.3 }),
  packed,
  decode,
  'decode-adapters': decodeAdapters,
  adapters,
};

interface TrainingRow {
  readonly adapter: string;
  readonly goal: number;
  readonly batch?: number;
  readonly dtype?: TaskOptions['dtype'];
  readonly memoryGoal?: number;
  readonly startGoal?: number;
}

const ROUND = { warmup: 2, steps: 18 }; // 20 steps, whose losses are compared

function training(setting: Setting, what: string, row: TrainingRow): Line[] {
  const { adapter, goal, batch = 4, dtype = 'float32', memoryGoal, startGoal } = row;
  const options: TaskOptions = { batch, tokens: 256, dtype, adapter, threads: setting.threads, ...ROUND };
  const { mine, theirs } = alternate<TrainAnswer>(setting, setting.peer, 'train', options);
  const gap = Math.max(...mine.map(({ losses }, round) => lossGap(losses, theirs[round]?.losses ?? [])));
  if (!(gap <= TOLERANCE[dtype])) throw new Error(`${what}: losses differ by ${gap}, more than ${TOLERANCE[dtype]}; no time counts`);
  const tokens = batch * options.tokens;
  const rate = ({ secondsPerStep }: TrainAnswer) => tokens / secondsPerStep;
  const range = (answers: TrainAnswer[]) => extremes(answers.flatMap(({ spread }) => spread.map((seconds) => tokens / seconds)));
  const lines = [
    line({ what, unit: 'tokens/s', goal, note: `losses agree within ${gap.toExponential(1)}` }, { mine, theirs, value: rate, range }),
  ];
  if (memoryGoal) {
    lines.push(
      atMost({ what: `${what}: peak memory`, unit: 'MB', goal: memoryGoal }, { mine, theirs, value: ({ peakMegabytes }) => peakMegabytes }),
    );
  }
  if (startGoal) {
    const start = { mine, theirs, value: ({ secondsToFirstStep }: TrainAnswer) => secondsToFirstStep };
    const measured = line({ what: `${what}: process start to end of first step`, unit: 's', goal: startGoal }, start);
    lines.push({ ...measured, isMet: measured.ours <= startGoal, note: `the goal is ${startGoal} s, not a ratio` });
  }
  return lines;
}

function packed({ ours, adapters: { lora }, threads }: Setting): Line[] {
  const options: TaskOptions = { batch: 4, tokens: 0, warmup: 0, steps: 0, dtype: 'float32', adapter: lora, threads };
  const answer = ours.run('packed', options) as PackedAnswer;
  const mine = answer.packed.usefulTokensPerSecond;
  const beside = (peer: string, way: PackedAnswer['padded']): Line => {
    const ratio = mine / way.usefulTokensPerSecond;
    return {
      what: 'packed review batches',
      unit: 'useful tokens/s',
      ours: mine,
      peer,
      theirs: way.usefulTokensPerSecond,
      ratio,
      goal: 3,
      isMet: ratio >= 3,
      note: `${answer.examples} reviews, ${answer.usefulTokens} tokens; so padded ${way.tokens}, packed ${answer.packed.tokens}`,
    };
  };
  return [
    beside('ours, each batch padded to its longest', answer.padded),
    beside(`ours, all padded to ${answer.maxLength} as in LLaMA-Adapter`, answer.paddedToMaxLength),
  ];
}

const TEXT = { batch: 1, tokens: 16, newTokens: 64, warmup: 2, steps: 5 };
const speed = {
  value: ({ tokensPerSecond }: DecodeAnswer) => tokensPerSecond,
  range: (all: DecodeAnswer[]) => extremes(all.flatMap(({ spread }) => spread)),
};

function decode(setting: Setting): Line[] {
  const options: TaskOptions = { ...TEXT, dtype: 'float32', threads: setting.threads };
  const { mine, theirs } = alternate<DecodeAnswer>(setting, setting.peer, 'decode', options);
  const same = mine[0]?.newIds.join() === theirs[0]?.newIds.join();
  const note = same ? 'the same ids' : 'other ids than the peer';
  const lines = [
    line({ what: 'greedy decoding, batch 1, fp32', unit: 'tokens/s', goal: 2.5, note }, { mine, theirs, ...speed }),
    atMost({ what: 'base load, ready to run', unit: 's', goal: 0.7 }, { mine, theirs, value: ({ secondsToLoad }) => secondsToLoad }),
  ];
  const half = alternate<DecodeAnswer>(setting, setting.peer, 'decode', { ...options, dtype: 'bfloat16' });
  const rate = (answers: readonly DecodeAnswer[]) => median(answers.map(speed.value));
  const repeated = (who: Contestant, more: Partial<TaskOptions> = {}) =>
    Array.from({ length: setting.rounds }, () => who.run('decode', { ...options, ...more }) as DecodeAnswer);
  const packed = repeated(setting.oursFromGguf, { quantize: 'q4_1' });
  const ours = { fp32: mine, bf16: half.mine, Q4_1: packed };
  const [precision, best] = Object.entries(ours).reduce((fastest, one) => (rate(one[1]) > rate(fastest[1]) ? one : fastest));
  const what = 'greedy decoding, batch 1, best precision';
  lines.push(
    line({ what, unit: 'tokens/s', goal: 2, note: `ours in ${precision}, peer in bf16` }, { mine: best, theirs: half.theirs, ...speed }),
  );
  if (setting.llamaCpp) {
    const theirs = repeated(setting.llamaCpp);
    const measured = line({ what, unit: 'tokens/s', goal: 0.7, note: `ours in ${precision}` }, { mine: best, theirs, ...speed });
    lines.push({ ...measured, peer: 'llama.cpp Q4_1' });
  }
  return lines;
}

/** Ourselves beside ourselves: an adapter that is not merged, and rows on adapters of their own. */
function decodeAdapters(setting: Setting): Line[] {
  const { ours, adapters: files, threads } = setting;
  const options: TaskOptions = { ...TEXT, dtype: 'float32', threads, adapter: files.loraNudged };
  const compare = (what: string, goal: number, one: object, other: object, peer: string) => {
    const { mine, theirs } = alternate<DecodeAnswer>(
      { ...setting, ours: withOptions(ours, one) },
      withOptions(ours, other),
      'decode',
      options,
    );
    return { ...line({ what, unit: 'tokens/s', goal }, { mine, theirs, ...speed }), peer };
  };
  const eight = { batch: 8 };
  return [
    compare('decoding with the adapter unmerged', 0.92, {}, { merged: true }, 'ours merged'),
    compare('decoding 8 rows on 8 adapters', 0.9, { ...eight, adapters: 8 }, { ...eight, adapters: 1 }, 'ours, 8 rows on one'),
  ];
}

function adapters(setting: Setting): Line[] {
  const options: TaskOptions = {
    batch: 1,
    tokens: 0,
    warmup: 0,
    steps: 0,
    dtype: 'float32',
    threads: setting.threads,
    adapter: setting.adapters.loraNudged,
  };
  const { mine, theirs } = alternate<AdapterAnswer>(setting, setting.peer, 'adapters', options);
  const goals = { loadMs: ['load an adapter', 20], switchMs: ['switch adapter', 1], mergeUnmergeMs: ['merge and unmerge', 31] } as const;
  return Object.entries(goals).map(([field, [what, goal]]) => {
    const measured = line({ what, unit: 'ms', goal }, { mine, theirs, value: (answer) => answer[field as keyof typeof goals] });
    return { ...measured, isMet: measured.ours <= goal, note: `the goal is ${goal} ms, not a ratio` };
  });
}

function withOptions({ name, run }: Contestant, more: object): Contestant {
  return { name, run: (task, options) => run(task, { ...options, ...more }) };
}

/** Ours and theirs in turn, so that both meet the same disturbances. */
function alternate<A>({ ours, rounds, say }: Setting, other: Contestant, task: string, options: TaskOptions): { mine: A[]; theirs: A[] } {
  const mine: A[] = [];
  const theirs: A[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`${task}, round ${round} of ${rounds}: ${ours.name}`);
    mine.push(ours.run(task, options) as A);
    say(`${task}, round ${round} of ${rounds}: ${other.name}`);
    theirs.push(other.run(task, options) as A);
  }
  return { mine, theirs };
}

interface Compared<A> {
  readonly mine: readonly A[];
  readonly theirs: readonly A[];
  readonly value: (answer: A) => number;
  readonly range?: (answers: A[]) => [number, number];
}

function line<A>(about: Pick<Line, 'what' | 'unit' | 'goal' | 'note'>, { mine, theirs, value, range }: Compared<A>): Line {
  const spread = range ?? ((answers) => extremes(answers.map(value)));
  const [ours, peers] = [median(mine.map(value)), median(theirs.map(value))];
  const ratio = ours / peers;
  const spreads = { spread: spread([...mine]), theirSpread: spread([...theirs]) };
  return { ...about, ours, ...spreads, peer: 'torch + peft', theirs: peers, ratio, isMet: ratio >= about.goal };
}

function atMost<A>(about: Pick<Line, 'what' | 'unit' | 'goal' | 'note'>, compared: Compared<A>): Line {
  const measured = line(about, compared);
  return { ...measured, isMet: measured.ratio <= about.goal };
}

function extremes(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
