/**
 * The host's time of one update, part by part: a model with as many layers and adapter weights as LLaMA-7B with LoRA on q and v, so narrow that
 * its arithmetic takes next to nothing. Two builds by turns in one process:
 *
 *     node tests/bench/hostTime.ts BEFORE/lib/lowrank lib/lowrank [--rounds 100] [--out FILE]
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import nodePath from 'node:path';
import { parseArgs } from 'node:util';
import type { sentBatches as SentBatches } from '../../lib/lowrank/src/train/data/sendBatch';
import type { CompiledStep as Step } from '../../lib/lowrank/src/train/step/compiledStep';
import { describeMachine } from './machine.ts';
import { median } from './task.ts';

const LAYERS = 32;
const WIDTH = 16;
const TOKENS = 4;
const PARTS = ['accumulate', 'fuse', 'updateAll', 'update'] as const;

const { values, positionals } = parseArgs({
  options: { out: { type: 'string' }, rounds: { type: 'string', default: '100' } },
  allowPositionals: true,
});
const require = createRequire(import.meta.url);
const middle = (numbers: readonly number[]) => Number(median(numbers).toFixed(3));

/** One build, ready to make updates. */
function open(folder: string) {
  const load = (path: string) => require(nodePath.resolve(folder, 'dist', path));
  const { AdamW, getPeftModel, LlamaForCausalLM, LoraConfig, tf } = load('index.js') as typeof import('lowrank');
  const { CompiledStep } = load('train/step/compiledStep.js') as { CompiledStep: typeof Step };
  const { sentBatches } = load('train/data/sendBatch.js') as { sentBatches: typeof SentBatches };
  const shape = { vocabSize: 32, hiddenSize: WIDTH, intermediateSize: WIDTH, numHiddenLayers: LAYERS, numAttentionHeads: 2 };
  const model = getPeftModel(
    LlamaForCausalLM.fromConfig({ ...shape, initializerRange: 0.3 }),
    new LoraConfig({ r: 1, targetModules: ['q_proj', 'v_proj'] }),
    { seed: 1 },
  );
  const optimizer = new AdamW();
  const step = new CompiledStep({ model, optimizer, maxGradNorm: 1 });
  const row = Array.from({ length: TOKENS }, (_, t) => t);
  const [part] = sentBatches([{ batch: { inputIds: [row], labels: [row] }, share: 1, index: 0 }], {});
  if (!part) throw new Error('no batch');
  const said = tf.tensor1d([1, 1, 0, 0, 0]); // of one worker: see agreement.ts
  const times: Record<(typeof PARTS)[number], number[]> = { accumulate: [], fuse: [], updateAll: [], update: [] };
  const timed = <T>(name: keyof typeof times, run: () => T): T => {
    const begin = performance.now();
    const result = run();
    times[name].push(performance.now() - begin);
    return result;
  };
  /** An update as a worker of a cluster makes it, then one as a process alone does. */
  const round = () =>
    tf.tidy(() => {
      const { accumulate, fuse, updateAll, update } = step.functions();
      const earlier = { loss: tf.scalar(0), grads: {} };
      const inputs = { coefficients: optimizer.coefficients(), wasFinite: tf.scalar(true, 'bool') };
      const sums = timed('accumulate', () => accumulate(part, earlier));
      const fused = timed('fuse', () => fuse(sums, said));
      timed('updateAll', () => updateAll(fused, inputs)).numbers.dataSync();
      timed('update', () => update(part, { earlier, ...inputs })).numbers.dataSync();
    });
  const weights = () => Array.from(model.trainableParameters().values(), (variable) => variable.dataSync().join());
  return { times, round, weights };
}

const builds = positionals.map(open);
for (const { round, times } of builds) {
  for (let n = 0; n < 6; n++) round();
  for (const name of PARTS) times[name].length = 0;
}
for (let n = 0; n < Number(values.rounds); n++) for (const { round } of n % 2 ? builds : [...builds].reverse()) round();
const [first, last] = [builds[0], builds.at(-1)];
if (!first || !last) throw new Error('name one build or two');
const result = {
  date: new Date().toISOString().slice(0, 10),
  what: `Host time of the parts of an update: ${LAYERS} layers of width ${WIDTH}, LoRA r = 1 on q and v, 1 x ${TOKENS} tokens; two builds by turns in one process, milliseconds, medians of ${values.rounds} rounds; ratio: after / before, the median of the pairs`,
  machine: describeMachine(),
  parameters: first.weights().length,
  isSameResult: first.weights().join() === last.weights().join(),
  parts: PARTS.map((name) => {
    const [before, after] = [first.times[name], last.times[name]];
    return { name, before: middle(before), after: middle(after), ratio: middle(after.map((ms, n) => ms / (before[n] ?? Number.NaN))) };
  }),
};
if (values.out) fs.writeFileSync(values.out, `${JSON.stringify(result, undefined, 1)}\n`);
console.log(JSON.stringify(result, undefined, 1));
