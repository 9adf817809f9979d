/** Our side of the GPU benchmarks. Usage: node ours.ts TASK < options.json (TASK: train | decode | adapters); prints one JSON object. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { AdamW, deviceInfo, getPeftModel, LoraConfig, type PeftModel, train as runTraining, tf } from 'lowrank';
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
}

const [task = ''] = process.argv.slice(2);
const options: Options = JSON.parse(readFileSync(0, 'utf8'));
const since = (begin: number) => (performance.now() - begin) / 1000;

/** LoRA on q and v, whose A is the formula's and whose B is 0. */
function adapted(): PeftModel {
  const peft = getPeftModel(
    makeModel(options.layers),
    new LoraConfig({ r: options.r, loraAlpha: options.r, targetModules: ['q_proj', 'v_proj'] }),
  );
  for (const [name, variable] of peft.trainableParameters()) {
    const [I = 0, O = 0] = variable.shape;
    if (name.includes('lora_A')) tf.tidy(() => variable.assign(formulaWeight(name.replace('.default', ''), [O, I]).transpose()));
  }
  return peft;
}

async function train() {
  const model = adapted();
  await settled();
  const { batch, tokens, warmup, steps } = options;
  const inputIds = tokenIds(batch, tokens, model.config.vocabSize);
  const seconds: number[] = [];
  let begin = performance.now();
  const { history } = await runTraining(model, () => [{ inputIds, labels: inputIds }], {
    steps: warmup + steps,
    optimizer: new AdamW({ learningRate: 1e-4, weightDecay: 0.01 }),
    maxGradNorm: Number.POSITIVE_INFINITY,
    precision: 'bfloat16',
    onStep: () => {
      seconds.push(since(begin));
      begin = performance.now();
    },
  });
  const timed = seconds.slice(warmup);
  const losses = history.map(({ loss }) => loss);
  return { losses, secondsPerStep: median(timed), spread: spreadOf(timed), firstStepSeconds: seconds[0], peakMegabytes: usedMegabytes() };
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

/** Waits for all that the device has been given: results come back in order. */
async function settled(): Promise<void> {
  const one = tf.tidy(() => tf.ones([2]).sum());
  await one.data();
  one.dispose();
}

/** What the process has taken of the card: its pool, which only grows. */
function usedMegabytes(): number {
  if (deviceInfo().device !== 'GPU') return 0;
  return Number(
    execFileSync('nvidia-smi', ['--query-gpu=memory.used', '--format=csv,noheader,nounits'], { encoding: 'utf8' }).split('\n')[0],
  );
}

const tasks = { train, decode, adapters };
const run = tasks[task as keyof typeof tasks];
if (!run) throw new Error(`task '${task}' is none of ${Object.keys(tasks).join(', ')}`);
const answer = await run();
process.stdout.write(JSON.stringify({ ...answer, device: deviceInfo() }));
