/**
 * `make soak`: one process that works for long, whose memory may not grow; calls that fail; numbers that go bad; and work that cannot fit.
 *
 * Usage: node soak.ts [--count N] [--out FILE] [--parts training,generation,…]
 * The file is written again after each part, so a run that is cut short keeps what it has.
 */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import {
  AdamW,
  type Batch,
  deviceInfo,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  LowrankError,
  MemoryError,
  NotFiniteError,
  type PeftModel,
  tf,
  train,
} from 'lowrank';
import { defaultModelPath } from 'lowrank/internal';
import { gpuMachine } from '../bench/gpu/gpuMachine.ts';
import { usedGpuMebibytes } from '../memory/usedGpuMebibytes.ts';
import { BAD, spoilt } from '../train/smallRun.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    out: { type: 'string', default: 'build/soak.json' },
    parts: { type: 'string', default: 'training,generation,adapters,failures,notFinite,tooLarge' },
  },
});
const COUNT = Number(values.count);
const SAMPLES = 20;
const TOKENS = 32;
const lora = () => new LoraConfig({ r: 8, loraAlpha: 16, targetModules: ['q_proj', 'v_proj'] });

/** What the process holds after some of the calls. */
interface Sample {
  readonly calls: number;
  readonly tensors: number;
  readonly residentBytes: number;
  readonly gpuMebibytes: number | undefined;
}

/** The samples of one kind of call. */
class Memory {
  readonly samples: Sample[] = [];
  private readonly begin = performance.now();

  private readonly planned: number;

  constructor(planned: number) {
    this.planned = planned;
  }

  take(calls: number): void {
    if (calls % Math.max(1, Math.floor(this.planned / SAMPLES)) !== 0) return;
    const { numTensors: tensors } = tf.memory();
    this.samples.push({ calls, tensors, residentBytes: process.memoryUsage.rss(), gpuMebibytes: usedGpuMebibytes() });
  }

  /** What grew after the first tenth of the calls, in which programs are compiled and pools are filled. */
  get told() {
    const settled = this.samples.filter(({ calls }) => calls >= this.planned / 10);
    const range = (of: (sample: Sample) => number) => [Math.min(...settled.map(of)), Math.max(...settled.map(of))];
    return {
      calls: this.planned,
      seconds: Math.round((performance.now() - this.begin) / 1000),
      tensors: range(({ tensors }) => tensors),
      residentMegabytes: range(({ residentBytes }) => Math.round(residentBytes / 1e6)),
      residentBytesPerCall: Math.round(slope(settled.map(({ calls, residentBytes }) => [calls, residentBytes]))),
      ...(settled[0]?.gpuMebibytes !== undefined && { gpuMebibytes: range(({ gpuMebibytes }) => gpuMebibytes ?? 0) }),
    };
  }
}

/** Of the line with the least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  return (
    points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
  );
}

async function repeat(times: number, work: (n: number) => unknown) {
  const memory = new Memory(times);
  for (let n = 1; n <= times; n++) {
    await work(n);
    memory.take(n);
  }
  return memory.told;
}

const batchOf = (token: number): Batch => {
  const inputIds = [Array.from({ length: TOKENS }, (_, t) => (token === BAD ? BAD : 1000 + token + 7 * t))];
  return { inputIds, labels: inputIds };
};

const model = await LlamaForCausalLM.fromPretrained(defaultModelPath());
const peft = getPeftModel(model, lora());
const logits = () => tf.tidy(() => peft.forward([[1, 2, 3]]).dataSync());
const weights = (of: PeftModel) => [...of.trainableParameters()].flatMap(([, variable]) => [...variable.dataSync()]);
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);

const PARTS: Readonly<{ [name: string]: () => Promise<object> }> = {
  training: async () => {
    const memory = new Memory(COUNT);
    const before = tf.memory().numTensors;
    const optimizer = new AdamW({ learningRate: 1e-4 });
    const { history } = await train(peft, () => Array.from({ length: 8 }, (_, n) => batchOf(n)), {
      steps: COUNT,
      optimizer,
      onStep: ({ step }) => memory.take(step),
    });
    optimizer.dispose();
    return { ...memory.told, tensorsLeft: tf.memory().numTensors - before, losses: [history[0]?.loss, history.at(-1)?.loss] };
  },

  generation: async () => {
    const tokens = Math.min(500, COUNT);
    return {
      tokensPerCall: tokens,
      ...(await repeat(Math.ceil(COUNT / tokens), () => peft.generate([[1, 2, 3]], { maxNewTokens: tokens, eosTokenId: [] }))),
    };
  },

  adapters: async () => {
    peft.addAdapter('other', lora());
    const switches = await repeat(COUNT / 10, (n) => {
      peft.setAdapter(n % 2 === 0 ? 'default' : 'other');
      if (n % 10 === 0) logits();
    });
    const additions = await repeat(COUNT / 10, () => {
      peft.addAdapter('third', lora());
      peft.deleteAdapter('third');
    });
    peft.deleteAdapter('other');
    return { switches, additions };
  },

  failures: async () => {
    const first = logits();
    const wrong: readonly (() => unknown)[] = [
      () => peft.forward([[model.config.vocabSize]]),
      () => peft.forward([[]]),
      () => peft.setAdapter('nobody'),
      () => peft.addAdapter('default', lora()),
      () => peft.loss([[1, 2]], [[1]]),
      () => peft.generate([[1]], { maxNewTokens: -1 }),
      () => train(peft, [], { steps: 1 }),
      () => train(peft, [{ inputIds: [[1, 2]], labels: [[-100, -100]] }], { steps: 1 }),
    ];
    const told = await repeat(COUNT, async (n) => {
      const call = wrong[n % wrong.length] as () => unknown;
      const failure: unknown = await Promise.resolve()
        .then(call)
        .then(
          () => undefined,
          (error) => error,
        );
      if (!(failure instanceof LowrankError)) throw new Error(`${call} ended with ${failure}`);
    });
    return { ...told, logitsMoved: distance(first, logits()) };
  },

  notFinite: async () => {
    const base = await LlamaForCausalLM.fromPretrained(defaultModelPath());
    const run = async (precision: 'float32' | 'bfloat16', batches: readonly Batch[]) => {
      const trained = spoilt(getPeftModel(base, lora(), { seed: 5 }));
      const optimizer = new AdamW({ learningRate: 1e-3 });
      const failure: unknown = batches.length > 0 && (await train(trained, batches, { precision, optimizer }).catch((error) => error));
      const after = weights(trained);
      optimizer.dispose();
      trained.unload();
      return { failure, after };
    };
    const outcomes = [];
    for (const precision of ['float32', 'bfloat16'] as const) {
      const start = await run(precision, []);
      const atOnce = await run(precision, [batchOf(BAD), batchOf(1)]);
      const later = await run(precision, [batchOf(1), batchOf(2), batchOf(BAD), batchOf(3)]);
      const isNamed = [atOnce, later].every(({ failure }) => failure instanceof NotFiniteError);
      const messages = [atOnce, later].map(({ failure }) => String(failure));
      outcomes.push({ precision, isNamed, messages, moved: distance(start.after, atOnce.after) });
    }
    base.dispose();
    return { outcomes };
  },

  tooLarge: async () => {
    const rows = (count: number, length: number) => Array.from({ length: count }, () => new Array<number>(length).fill(5));
    const many: readonly ((n: number) => unknown)[] = [
      (n) => peft.forward(rows(256 + n, 8000)),
      (n) => peft.generate(rows(4000 + n, 4), { maxNewTokens: 8000 }),
      (n) => train(peft, [{ inputIds: rows(512 + n, 4000), labels: rows(512 + n, 4000) }], { steps: 1 }),
      (n) =>
        LlamaForCausalLM.fromConfig({
          vocabSize: 32000,
          hiddenSize: 64 * (400 + n),
          intermediateSize: 50000,
          numAttentionHeads: 400 + n,
          numHiddenLayers: 60,
        }),
    ];
    const told = await repeat(Math.min(100, COUNT), async (n) => {
      const call = many[n % many.length] as (n: number) => unknown;
      const failure: unknown = await Promise.resolve(n)
        .then(call)
        .then(
          () => undefined,
          (error) => error,
        );
      if (!(failure instanceof MemoryError)) throw new Error(`${call} ended with ${failure}`);
    });
    return { ...told, works: Number.isFinite(logits()[0]) };
  },
};

const results: { [name: string]: unknown } = {
  date: new Date().toISOString().slice(0, 10),
  device: deviceInfo().device,
  machine: gpuMachine(),
};
fs.mkdirSync(dirname(values.out), { recursive: true });
for (const name of values.parts.split(',')) {
  results[name] = (await PARTS[name]?.().catch((error: Error) => ({ error: error.message }))) ?? { error: `there is no part '${name}'` };
  fs.writeFileSync(values.out, `${JSON.stringify(results, null, 1)}\n`);
  process.stdout.write(`${name}: ${JSON.stringify(results[name])}\n`);
}
peft.dispose();
process.stdout.write(`left after dispose: ${tf.memory().numTensors} tensors\n`);
