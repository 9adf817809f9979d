/** The pieces of work whose memory is planned and measured, and how both are told. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { LlamaConfigOptions, MemoryPlanOptions } from 'lowrank';

/** As the measured process takes it, and as it stands in measured.json and, for an H200, in measured-gpu.json. */
export interface MemoryCase {
  readonly model: 'smollm2' | LlamaConfigOptions;
  readonly dtype?: 'float32' | 'bfloat16';
  readonly quantize?: 'q4_1' | 'int8' | 'nf4';
  readonly work: MemoryPlanOptions['task'];
  readonly method?: 'lora' | 'prefix' | 'full';
  readonly batch?: number;
  readonly length?: number;
  readonly newTokens?: number;
  readonly compile?: boolean;
  readonly precision?: 'float32' | 'bfloat16';
  readonly checkpointing?: boolean;
}

/** A case, what its process held at the most (VmHWM), and what the plan says. */
export interface MeasuredCase {
  readonly case: MemoryCase;
  readonly plannedMegabytes: number;
  readonly measuredMegabytes: number;
}

const PLACE = new URL('measured.json', import.meta.url);

export const measuredCases = (): MeasuredCase[] => JSON.parse(fs.readFileSync(PLACE, 'utf8')).cases;

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
