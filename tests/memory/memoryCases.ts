/** The pieces of work whose memory is planned and measured, and how both are told. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { type LlamaConfigOptions, type MemoryPlanOptions, planMemory } from 'lowrank';
import { SMOLLM2 } from '../../notebooks/course/dist/drawings/models.js';

/** As the measured process takes it, and as it stands in measured.json and, for an H200, in measured-gpu.json. */
export interface MemoryCase {
  readonly model: 'smollm2' | LlamaConfigOptions;
  readonly dtype?: 'float32' | 'bfloat16';
  readonly quantize?: 'q4_1' | 'int8' | 'nf4';
  readonly work: MemoryPlanOptions['task'];
  readonly method?: 'lora' | 'prefix' | 'full';
  readonly batch?: number;
  readonly length?: number;
  /** Rows and tokens of the batches before, each traced of its own; the plan is that of the largest batch. */
  readonly others?: readonly (readonly [number, number])[];
  /** Tokens in the cache before a forward pass. */
  readonly past?: number;
  readonly newTokens?: number;
  readonly compile?: boolean;
  readonly precision?: 'float32' | 'bfloat16';
  readonly checkpointing?: boolean;
}

/** A case, and what it took at the most. */
export interface Measured {
  readonly case: MemoryCase;
  readonly measuredMegabytes: number;
}

/** Of a process (VmHWM), with what the plan says. */
export interface MeasuredCase extends Measured {
  readonly plannedMegabytes: number;
}

const PLACE = new URL('measured.json', import.meta.url);

export const measuredCases = (): MeasuredCase[] => JSON.parse(fs.readFileSync(PLACE, 'utf8')).cases;

/** On an H200: the cases by which the factors of the plan were chosen, and others that were measured afterwards. */
export const measuredOnGpu = (): { readonly cases: Measured[]; readonly fresh: Measured[] } =>
  JSON.parse(fs.readFileSync(new URL('measured-gpu.json', import.meta.url), 'utf8'));

/** What a case is planned to take of a GPU, beside TensorFlow itself; from the configuration, so no GPU is needed. */
export function plannedOnGpu({
  model,
  work: task,
  method,
  batch = 1,
  length = 64,
  newTokens = 8,
  checkpointing,
  past: pastTokens,
  ...stored
}: MemoryCase) {
  const config: LlamaConfigOptions = model === 'smollm2' ? SMOLLM2 : model;
  const shape = { batchSize: batch, sequenceLength: length, pastTokens, maxNewTokens: newTokens, gradientCheckpointing: checkpointing };
  const { terms, bytes } = planMemory(config, { task, ...shape, ...trainedBy(config, method), ...stored, device: 'GPU' });
  return bytes - (terms.find(({ name }) => name === 'TensorFlow itself')?.bytes ?? 0);
}

/** The parameters that `measuredRun.ts` trains. */
function trainedBy(config: LlamaConfigOptions, method: MemoryCase['method']) {
  const { hiddenSize: C, numHiddenLayers: L, numAttentionHeads: H, numKeyValueHeads: K = H } = config;
  if (method === 'lora') return { trainableParameters: L * 8 * (C + C + (C + (C / H) * K)) };
  const layers = Math.min(8, L);
  return method === 'prefix' ? { trainableParameters: layers * (10 * C + 1), firstTrainedLayer: L - layers } : {};
}

/** Runs a case in a process of its own, and gives what it printed. */
export async function measure(one: MemoryCase): Promise<{ readonly planned: number; readonly peak: number }> {
  const { stdout } = await promisify(execFile)('node', ['--no-warnings', 'tests/memory/measuredRun.ts', JSON.stringify(one)]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

if (import.meta.main) {
  const cases: MeasuredCase[] = [];
  for (const { case: one } of measuredCases()) {
    const { planned, peak } = await measure(one);
    cases.push({ case: one, plannedMegabytes: Math.round(planned / 1e6), measuredMegabytes: Math.round(peak / 1e6) });
    console.log(JSON.stringify(cases.at(-1)));
  }
  fs.writeFileSync(PLACE, `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), cases }, null, 1)}\n`);
}
