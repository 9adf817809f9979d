/** A process that does one piece of work, a `MemoryCase` as JSON, and prints what was planned for it and its own peak. */
import fs from 'node:fs';
import { AdaptionPromptConfig, getPeftModel, LlamaForCausalLM, LoraConfig, type PlannedModel, planMemory, train } from 'lowrank';
import { defaultModelPath } from 'lowrank/internal';
import type { MemoryCase } from './memoryCases.ts';

const one: MemoryCase = JSON.parse(process.argv[2] ?? '{}');
const {
  model: from,
  work: task,
  method,
  batch = 1,
  length = 64,
  newTokens: maxNewTokens = 8,
  checkpointing,
  dtype,
  quantize,
  ...execution
} = one;

const base =
  from === 'smollm2' ? await LlamaForCausalLM.fromPretrained(defaultModelPath(), { dtype, quantize }) : LlamaForCausalLM.fromConfig(from);
base.model.gradientCheckpointing = checkpointing ?? false;
const model = task === 'train' && method !== 'full' ? getPeftModel(base, adapter()) : base;
const shape = { batchSize: batch, sequenceLength: length, maxNewTokens, compile: execution.compile, precision: execution.precision };
const planned = planMemory(task === 'load' ? base.config : (model as PlannedModel), { task, ...shape, dtype, quantize }).bytes;

const rows = Array.from({ length: batch }, (_, b) => Array.from({ length }, (_, t) => (7 * b + 13 * t + 1) % base.config.vocabSize));
if (task === 'forward') for (let i = 0; i < 3; i++) base.forward(rows).dispose();
if (task === 'generate') await base.generate(rows, { maxNewTokens, eosTokenId: [], ...execution });
if (task === 'train') await train(model, Array(3).fill({ inputIds: rows, labels: rows }), execution);

const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
console.log(JSON.stringify({ planned, peak: 1024 * Number(kibibytes) }));

function adapter() {
  if (method === 'prefix') return new AdaptionPromptConfig({ adapterLen: 10, adapterLayers: Math.min(8, base.config.numHiddenLayers) });
  return new LoraConfig({ r: 8, loraAlpha: 16, targetModules: ['q_proj', 'v_proj'] });
}
