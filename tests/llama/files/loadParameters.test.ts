/** How much memory loading takes at its peak; this file has a process of its own, whose peak the kernel counts. */
import fs from 'node:fs';
import { countParameters, LlamaForCausalLM, llamaConfig, type TensorToStore, writeSafetensors } from 'lowrank';
import { expect, test } from 'vitest';
import { defaultModelPath } from '../../../lib/lowrank/src/cli/defaultModel';
import { configToJson } from '../../../lib/lowrank/src/llama/files/configJson';
import { isKernel, parameterShapes } from '../../../lib/lowrank/src/llama/parameterShapes';
import { temporaryFolder } from '../../io/temporaryFolder';
import { goldenPath } from '../golden';

const path = temporaryFolder();
const MB = 2 ** 20;

/** What V8 and TensorFlow take beside the tensors: compiled code, pools, what waits to be collected. */
const SLACK = 16 * MB;

function memory(field: 'VmRSS' | 'VmHWM'): number {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+) kB`).exec(fs.readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** By how much the process grew at its largest while `use` ran. */
async function peakOf<T>(use: () => Promise<T>): Promise<{ readonly result: T; readonly peak: number }> {
  fs.writeFileSync('/proc/self/clear_refs', '5'); // the peak is counted from now on
  const before = memory('VmRSS');
  const result = await use();
  return { result, peak: memory('VmHWM') - before };
}

const SIZES = {
  vocabSize: 12_000,
  hiddenSize: 640,
  intermediateSize: 1700,
  numHiddenLayers: 6,
  numAttentionHeads: 10,
  numKeyValueHeads: 5,
};

/** A model of zeros in several files, written without any tensor whose memory loading could use again. */
function writeModel(folder: string): { readonly total: number; readonly largest: number } {
  const config = llamaConfig(SIZES);
  const buffer = new Uint8Array(4 * config.vocabSize * config.hiddenSize);
  const tensors = Array.from(parameterShapes(config), ([name, shape]): [string, TensorToStore] => {
    const bytes = buffer.subarray(0, 4 * shape.reduce((a, b) => a * b));
    return [name, { dtype: 'F32', shape: isKernel(name, shape) ? shape.toReversed() : shape, bytes }];
  });
  const places: Record<string, string> = {};
  for (let first = 0; first < tensors.length; first += 12) {
    const shard = tensors.slice(first, first + 12);
    for (const [name] of shard) places[name] = `part-${first}.safetensors`;
    writeSafetensors(`${folder}/part-${first}.safetensors`, shard);
  }
  fs.writeFileSync(`${folder}/model.safetensors.index.json`, JSON.stringify({ weight_map: places }));
  fs.writeFileSync(`${folder}/config.json`, JSON.stringify(configToJson(config, 'float32').config));
  const total = tensors.reduce((sum, [, { bytes }]) => sum + (bytes as Uint8Array).length, 0);
  return { total, largest: buffer.length };
}

// No model is freed before the end: the memory would be used again, and not be seen.

test('a folder is streamed: the peak is 1.1 times the model and its largest tensor', async () => {
  await LlamaForCausalLM.fromPretrained(goldenPath('plain')); // TensorFlow starts
  const { total, largest } = writeModel(path('.'));
  expect(total).toBeGreaterThan(150 * MB); // or nothing would be seen beside the slack
  const { result: model, peak } = await peakOf(() => LlamaForCausalLM.fromPretrained(path('.')));
  expect(countParameters(model).total).toBe(total / 4);
  expect(peak).toBeGreaterThan(total); // the measure sees the model
  expect(peak).toBeLessThan(1.1 * total + largest + SLACK);
});

test('SmolLM2 takes at most 1.5 times its size in 32-bit floats', async () => {
  const { result: model, peak } = await peakOf(() => LlamaForCausalLM.fromPretrained(defaultModelPath()));
  const size = 4 * countParameters(model).total;
  expect(size).toBe(4 * 134_515_008);
  expect(peak).toBeGreaterThan(size);
  expect(peak).toBeLessThan(1.5 * size);
});
