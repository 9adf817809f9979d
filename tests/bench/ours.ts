/**
 * Our side of the benchmarks, one task per process as the peer's. Usage: node ours.ts MODEL TASK < options.json
 * (TASK: train | packed | decode | adapters | export). Prints one JSON object.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdamW, deviceInfo, LlamaForCausalLM, PeftModel, train as runTraining } from 'lowrank';
import { packed } from './packed.ts';
import { type AdapterAnswer, type DecodeAnswer, median, spreadOf, type TaskOptions, type TrainAnswer, tokenIds } from './task.ts';

const started = performance.now() - process.uptime() * 1000;
const [folder = '', task = ''] = process.argv.slice(2);
const options: TaskOptions = JSON.parse(readFileSync(0, 'utf8'));
const since = (begin: number) => (performance.now() - begin) / 1000;
const peakMegabytes = () => process.resourceUsage().maxRSS / 1024;

async function adapted(): Promise<PeftModel> {
  const model = await LlamaForCausalLM.fromPretrained(folder, { dtype: options.dtype });
  return PeftModel.fromPretrained(model, options.adapter ?? '', { isTrainable: true });
}

/** Writes the model as a Hugging Face folder, in float32, so that every peer reads the very weights that we do. */
async function exportModel(): Promise<object> {
  const model = await LlamaForCausalLM.fromPretrained(folder);
  model.savePretrained(options.adapter ?? '');
  return {};
}

async function train(): Promise<TrainAnswer> {
  const model = await adapted();
  const { batch, tokens, warmup, steps, dtype } = options;
  const inputIds = tokenIds(batch, tokens, model.config.vocabSize);
  const data = { inputIds, labels: inputIds };
  const seconds: number[] = [];
  let begin = performance.now();
  let secondsToFirstStep = 0;
  const optimizer = new AdamW({ learningRate: 1e-4, weightDecay: 0.01 }); // PyTorch's defaults, as the peer's
  const { history } = await runTraining(model, () => [data], {
    steps: warmup + steps,
    optimizer,
    maxGradNorm: Number.POSITIVE_INFINITY,
    precision: dtype,
    onStep: () => {
      seconds.push(since(begin));
      secondsToFirstStep ||= since(started);
      begin = performance.now();
    },
  });
  const timed = seconds.slice(warmup);
  const losses = history.map(({ loss }) => loss);
  return { losses, secondsPerStep: median(timed), spread: spreadOf(timed), secondsToFirstStep, peakMegabytes: peakMegabytes() };
}

async function decode(): Promise<DecodeAnswer> {
  const { batch, tokens, newTokens = 64, warmup, steps, adapter, merged = false, adapters = 0 } = options;
  const base = await LlamaForCausalLM.fromPretrained(folder, { dtype: options.dtype, quantize: options.quantize });
  const secondsToLoad = since(started);
  const model = adapter === undefined ? base : await PeftModel.fromPretrained(base, adapter, { adapterName: 'a0' });
  let rows: { adapterNames?: string[] } = {};
  if (model instanceof PeftModel) {
    for (let n = 1; n < adapters; n++) model.loadAdapter(adapter ?? '', { adapterName: `a${n}` });
    if (merged) model.mergeAdapter();
    if (adapters > 0) rows = { adapterNames: Array.from({ length: batch }, (_, row) => `a${row % adapters}`) };
  }
  const prompts = tokenIds(batch, tokens, base.config.vocabSize);
  const rates: number[] = [];
  let newIds: number[][] = [];
  for (let run = 0; run < warmup + steps; run++) {
    const begin = performance.now();
    newIds = await model.generate(prompts, { maxNewTokens: newTokens, eosTokenId: [], ...rows });
    rates.push((batch * newTokens) / since(begin));
  }
  const timed = rates.slice(warmup);
  return { tokensPerSecond: median(timed), spread: spreadOf(timed), newIds, secondsToLoad, peakMegabytes: peakMegabytes() };
}

async function adapters(): Promise<AdapterAnswer> {
  const model = await adapted();
  const milliseconds = (work: () => void, times = 5) => {
    const taken = Array.from({ length: times }, () => {
      const begin = performance.now();
      work();
      return since(begin) * 1000;
    });
    return median(taken);
  };
  const saved = mkdtempSync(join(tmpdir(), 'lowrank-bench-'));
  try {
    const saveMs = milliseconds(() => model.savePretrained(saved));
    let count = 0;
    const loadMs = milliseconds(() => model.loadAdapter(saved, { adapterName: `a${count++}` }));
    const switchMs = milliseconds(() => model.setAdapter(`a${count++ % 2}`));
    const before = baseWeights(model);
    const mergeUnmergeMs = milliseconds(() => {
      model.mergeAdapter();
      model.unmergeAdapter();
    });
    if (!before.equals(baseWeights(model))) throw new Error('unmerging did not restore the base weights bit by bit');
    return { saveMs, loadMs, switchMs, mergeUnmergeMs };
  } finally {
    rmSync(saved, { recursive: true });
  }
}

/** The bytes of one projection that adapters change. */
function baseWeights(model: PeftModel): Buffer {
  const found = [...model.namedParameters()].find(([name]) => name.endsWith('q_proj.base_layer.weight'));
  if (!found) throw new Error('this adapter changes no q_proj');
  return Buffer.from((found[1].dataSync() as Float32Array).slice().buffer);
}

const tasks = { train, decode, adapters, packed: () => packed(folder, options), export: exportModel };
const run = tasks[task as keyof typeof tasks];
if (!run) throw new Error(`task '${task}' is none of ${Object.keys(tasks).join(', ')}`);
const answer = await run();
process.stdout.write(JSON.stringify({ ...answer, versions: { node: process.version, tensorflow: deviceInfo().tensorflowVersion } }));
