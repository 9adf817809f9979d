/** A process that does one piece of work, a `MemoryCase` as JSON, and prints what was planned for it and its own peak: of the host, or of the GPU if there is one. */
import fs from 'node:fs';
import {
  AdaptionPromptConfig,
  deviceInfo,
  evaluateLoss,
  getPeftModel,
  KeyValueCache,
  LlamaForCausalLM,
  LoraConfig,
  type PlannedModel,
  planMemory,
  train,
} from 'lowrank';
import { defaultModelPath } from 'lowrank/internal';
import type { MemoryCase } from './memoryCases.ts';
import { usedGpuMebibytes } from './usedGpuMebibytes.ts';

const one: MemoryCase = JSON.parse(process.argv[2] ?? '{}');
const {
  model: from,
  work: task,
  method,
  batch = 1,
  length = 64,
  others,
  past,
  newTokens: maxNewTokens = 8,
  checkpointing,
  dtype,
  quantize,
  ...execution
} = one;

const before = deviceInfo().device === 'GPU' ? usedGpuMebibytes() : undefined; // the driver's own part
const base =
  from === 'smollm2' ? await LlamaForCausalLM.fromPretrained(defaultModelPath(), { dtype, quantize }) : LlamaForCausalLM.fromConfig(from);
base.model.gradientCheckpointing = checkpointing ?? false;
const model = task === 'train' && method !== 'full' ? getPeftModel(base, adapter()) : base;
const shape = {
  batchSize: batch,
  sequenceLength: length,
  pastTokens: past,
  maxNewTokens,
  compile: execution.compile,
  precision: execution.precision,
};
const plan = planMemory(task === 'load' ? base.config : (model as PlannedModel), { task, ...shape, dtype, quantize });

const rowsOf = ([count, width]: readonly [number, number]) =>
  Array.from({ length: count }, (_, b) => Array.from({ length: width }, (_, t) => (7 * b + 13 * t + 1) % base.config.vocabSize));
const rows = rowsOf([batch, length]);
const examples = (others ? [...others.map(rowsOf), rows] : Array(3).fill(rows)).map((inputIds) => ({ inputIds, labels: inputIds }));
if (past !== undefined) afterCached(past);
else if (task === 'forward') for (let i = 0; i < 3; i++) base.forward(rows).dispose();
if (task === 'evaluate') await evaluateLoss(base, examples, execution);
if (task === 'generate') await base.generate(rows, { maxNewTokens, eosTokenId: [], ...execution });
if (task === 'train') await train(model, examples, execution);

const used = before === undefined ? undefined : usedGpuMebibytes(); // the process's pool only grows
const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
// On a GPU neither counts what TensorFlow takes for itself.
const itself = used === undefined ? 0 : (plan.terms.find(({ name }) => name === 'TensorFlow itself')?.bytes ?? 0);
const peak = used === undefined ? 1024 * Number(kibibytes) : 2 ** 20 * (used - (before ?? 0));
console.log(JSON.stringify({ planned: plan.bytes - itself, peak }));

function adapter() {
  if (method === 'prefix') return new AdaptionPromptConfig({ adapterLen: 10, adapterLayers: Math.min(8, base.config.numHiddenLayers) });
  return new LoraConfig({ r: 8, loraAlpha: 16, targetModules: ['q_proj', 'v_proj'] });
}

/** Fills a cache by short passes, which take little, and then passes all rows once. */
function afterCached(past: number): void {
  const cache = new KeyValueCache(base.config.numHiddenLayers);
  for (let at = 0; at < past; at += 32) {
    const some = rows.map(() => Array<number>(Math.min(32, past - at)).fill(1));
    base.forward(some, { cache, logitsToKeep: 1 }).dispose();
  }
  base.forward(rows, { cache }).dispose();
}
