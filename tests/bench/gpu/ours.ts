/** Our side of the GPU benchmarks. Usage: node ours.ts TASK < options.json (TASK: train | sums | decode | adapters | attention); prints one JSON object. */
import { readFileSync } from 'node:fs';
import {
  AdamW,
  causalMask,
  compile,
  deviceInfo,
  getPeftModel,
  joinCluster,
  LoraConfig,
  type PeftModel,
  train as runTraining,
  scaledDotProduct,
  tf,
} from 'lowrank';
import { usedGpuMebibytes } from '../../memory/usedGpuMebibytes.ts';
import { gradientBytes, SHAPES } from '../scale/model.ts';
import { median, spreadOf, tokenIds } from '../task.ts';
import { formulaWeight, makeModel } from './shape.ts';

interface Options {
  readonly layers: number;
  readonly r: number;
  readonly batch: number;
  readonly tokens: number;
  readonly newTokens: number;
  readonly warmup: number;
  readonly steps: number;
  /** Whether the backward pass makes the layers' values anew. @defaultValue false */
  readonly checkpointed?: boolean;
  /** Workers of a cluster, each with `batch` rows of an update on a GPU of its own. @defaultValue 1, without a cluster */
  readonly workers?: number;
  /** Batches in an update. @defaultValue 1 */
  readonly accumulate?: number;
  readonly communication?: 'auto' | 'ring' | 'nccl';
  /** Of the attention alone. @defaultValue LLaMA-7B's */
  readonly attention?: { readonly heads: number; readonly keyValueHeads: number; readonly width: number };
}

const [task = ''] = process.argv.slice(2);
const options: Options = JSON.parse(readFileSync(0, 'utf8'));
const since = (begin: number) => (performance.now() - begin) / 1000;

/** LoRA on q and v, whose A is the formula's and whose B is 0. */
function adapted(): PeftModel {
  const base = makeModel(options.layers);
  base.model.gradientCheckpointing = options.checkpointed ?? false;
  const peft = getPeftModel(base, new LoraConfig({ r: options.r, loraAlpha: options.r, targetModules: ['q_proj', 'v_proj'] }));
  for (const [name, variable] of peft.trainableParameters()) {
    const [I = 0, O = 0] = variable.shape;
    if (name.includes('lora_A')) tf.tidy(() => variable.assign(formulaWeight(name.replace('.default', ''), [O, I]).transpose()));
  }
  return peft;
}

async function train() {
  const { batch, tokens, warmup, steps, workers = 1, accumulate = 1 } = options;
  const cluster = workers > 1 ? await joinCluster({ timeout: 300 }) : undefined;
  const model = adapted();
  await settled();
  const rows = tokenIds(batch * workers * accumulate, tokens, model.config.vocabSize);
  const batches = Array.from({ length: accumulate }, (_, n) => {
    const inputIds = rows.slice(n * batch * workers, (n + 1) * batch * workers);
    return { inputIds, labels: inputIds };
  });
  const { history } = await runTraining(model, () => batches, {
    steps: warmup + steps,
    gradientAccumulation: accumulate,
    optimizer: new AdamW({ learningRate: 1e-4, weightDecay: 0.01 }),
    maxGradNorm: Number.POSITIVE_INFINITY,
    precision: 'bfloat16',
    ...(cluster && { cluster }),
  });
  const seconds = history.map(({ tokensPerSecond }) => (accumulate * batch * workers * tokens) / tokensPerSecond);
  const timed = seconds.slice(warmup);
  const losses = history.map(({ loss }) => loss);
  return { losses, secondsPerStep: median(timed), spread: spreadOf(timed), firstStepSeconds: seconds[0], peakMegabytes: usedMegabytes() };
}

/** Seconds of sums over all workers, each after they have met: of two numbers, and of the gradients of LoRA on LLaMA-7B. */
async function sums() {
  const cluster = await joinCluster({ timeout: 60, communication: options.communication });
  const measured = [2, gradientBytes(SHAPES[0]) / 4].map((size) => {
    const values = tf.ones([size]);
    const seconds = Array.from({ length: options.steps }, () => {
      cluster.meet();
      const begin = performance.now();
      const last = tf.tidy(
        () =>
          cluster
            .sum(values)
            .slice([size - 1], [1])
            .dataSync()[0],
      );
      if (last !== cluster.size) throw new Error(`the sum of ${cluster.size} ones is ${last}`);
      return since(begin);
    });
    values.dispose();
    return { bytes: 4 * size, seconds: median(seconds), spread: spreadOf(seconds) };
  });
  return { sums: measured };
}

async function decode() {
  const model = makeModel(options.layers);
  await settled();
  const { tokens, newTokens, warmup, steps } = options;
  const prompt = tokenIds(1, tokens, model.config.vocabSize);
  const rates: number[] = [];
  let newIds: number[][] = [];
  for (let run = 0; run < warmup + steps; run++) {
    const begin = performance.now();
    newIds = await model.generate(prompt, { maxNewTokens: newTokens, eosTokenId: [], precision: 'bfloat16' });
    rates.push(newTokens / since(begin));
  }
  const timed = rates.slice(warmup);
  return { tokensPerSecond: median(timed), spread: spreadOf(timed), newIds, peakMegabytes: usedMegabytes() };
}

async function adapters() {
  const model = adapted();
  model.addAdapter('other', new LoraConfig({ r: options.r, targetModules: ['q_proj', 'v_proj'] }));
  await settled();
  const timed = async (work: () => void) => {
    const begin = performance.now();
    work();
    await settled();
    return since(begin) * 1000;
  };
  const switches: number[] = [];
  for (let n = 0; n < 6; n++) switches.push(await timed(() => model.setAdapter(n % 2 === 0 ? 'other' : 'default')));
  const merges: number[] = [];
  for (let n = 0; n < 3; n++) {
    merges.push(await timed(() => model.mergeAdapter()));
    model.unmergeAdapter();
    await settled();
  }
  return { switchMs: median(switches), mergeMs: median(merges) };
}

/** How far the attention of a layer and its gradients, made by one kernel, are from those of matrix products; and how long it takes. */
async function attention() {
  const { batch, tokens, steps } = options;
  const { heads, keyValueHeads, width } = options.attention ?? { heads: 32, keyValueHeads: 32, width: 128 };
  const shapes = [heads, keyValueHeads, keyValueHeads, heads].map((count) => [batch, count, tokens, width] as const);
  const inputs = shapes.map((shape, n) => tf.randomNormal([...shape], 0, 1, 'float32', n + 1));
  const [q, k, v, slope] = inputs as tf.Tensor[] as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const forms = (['later', 'laterAndOthers'] as const).map((hides) =>
    compile(
      (a: tf.Tensor4D, b: tf.Tensor4D, c: tf.Tensor4D) =>
        scaledDotProduct(a, b, c, { mask: causalMask(tokens), hides })
          .mul(slope)
          .sum()
          .asScalar(),
      { name: `attention_${hides}`, precision: 'bfloat16', xla: true },
    ),
  );
  const runs = forms.map(
    (form) => () => tf.valueAndGrads((...[a, b, c]) => form(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D))([q, k, v]),
  );
  const [fused = [], plain = []] = runs.map((run) => {
    const { value, grads } = run();
    return [value, ...grads].map((tensor) => [...tensor.dataSync()]);
  });
  const milliseconds: number[] = [];
  for (let n = 0; n < steps; n++) {
    const begin = performance.now();
    tf.tidy(() => void runs[0]?.());
    await settled();
    milliseconds.push(since(begin) * 1000);
  }
  const gaps = fused.map((values, n) => largestGap(values, plain[n] ?? []));
  return { gaps, milliseconds: median(milliseconds) };
}

/** The largest difference, over the largest value. */
function largestGap(values: readonly number[], others: readonly number[]): number {
  let gap = 0;
  let size = 0;
  for (const [index, value] of values.entries()) {
    gap = Math.max(gap, Math.abs(value - (others[index] ?? Number.NaN)));
    size = Math.max(size, Math.abs(value));
  }
  return gap / size;
}

/** Waits for all that the device has been given: results come back in order. */
async function settled(): Promise<void> {
  const one = tf.tidy(() => tf.ones([2]).sum());
  await one.data();
  one.dispose();
}

/** The card has nothing else to do: what is taken is the process's pool, which only grows, and the driver's own part. */
const usedMegabytes = () => usedGpuMebibytes() ?? 0;

const tasks = { train, sums, decode, adapters, attention };
const run = tasks[task as keyof typeof tasks];
if (!run) throw new Error(`task '${task}' is none of ${Object.keys(tasks).join(', ')}`);
const answer = await run();
process.stdout.write(JSON.stringify({ ...answer, device: deviceInfo() }));
