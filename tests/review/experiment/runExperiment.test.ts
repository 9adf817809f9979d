import fs from 'node:fs';
import { FormatError, tf } from 'lowrank';
import { type ExperimentConfig, type ReviewExample, type ReviewSplits, readExperimentConfig, runExperiment } from 'lowrank-review';
import { afterAll, describe, expect, test } from 'vitest';
import { collectExperiment } from '../../../lib/review/src/experiment/runExperiment';
import { temporaryFolder } from '../../io/temporaryFolder';
import { letterModel, letterTokenizer } from '../letterModel';

const folder = temporaryFolder();
const model = letterModel();
afterAll(() => model.dispose());

const review = (i: number): ReviewExample => ({
  id: `${i}`,
  source: 'lint',
  language: 'javascript',
  patch: `@@ -1,0 +1,1 @@\n+let a${i};`,
  code: `let a${i};`,
  needsReview: i % 2 === 0,
  ...(i % 2 === 0 && { comment: 'No.', refinedCode: `let b${i};` }),
});
const part = (from: number, count: number) => Array.from({ length: count }, (_, i) => review(from + i));
const splits: ReviewSplits = { train: part(0, 60), validation: part(100, 20), test: part(200, 20) };

const config: ExperimentConfig = {
  name: 'tiny',
  methods: [
    { name: 'LoRA r=2', adapter: { peftType: 'LORA', r: 2, loraAlpha: 4, loraDropout: 0.1 }, learningRate: 0.02 },
    { name: 'prefix K=3', adapter: { peftType: 'ADAPTION_PROMPT', adapterLen: 3, adapterLayers: 2 }, learningRate: 0.05 },
  ],
  tasks: ['necessity', 'comment', 'refinement'],
  seeds: [1, 2],
  maxLength: 300,
  batchSize: 2,
  gradientAccumulation: 1,
  steps: { necessity: 2, comment: 6, refinement: 2 },
  evaluations: 2,
  examples: { train: 20, validation: 4, test: 6 },
  maxNewTokens: { comment: 4, refinement: 4 },
};

const work = (place: string) => ({
  model,
  modelName: 'letters',
  tokenizer: letterTokenizer,
  splits,
  dataName: 'made up',
  version: '0.0.0',
  folder: folder(place),
});

describe('runExperiment', () => {
  test('compares every method with the untuned base, and training is what makes the difference', async () => {
    const before = [...model.namedParameters()].map(([name, variable]) => [name, variable.sum().dataSync()[0]]);
    const tensors = tf.memory().numTensors;
    const results = await runExperiment(config, work('whole'));
    expect(tf.memory().numTensors).toBe(tensors);
    expect([...model.namedParameters()].map(([name, variable]) => [name, variable.sum().dataSync()[0]])).toEqual(before);

    const row = (method: string, task: string, metric: string) =>
      results.rows.find((each) => each.method === method && each.task === task && each.metric === metric);
    for (const method of ['base', 'LoRA r=2', 'prefix K=3']) {
      const metrics = (task: string) =>
        results.rows.filter((each) => each.method === method && each.task === task).map(({ metric }) => metric);
      expect(metrics('necessity')).toEqual(['f1', 'precision', 'recall', 'accuracy', 'bestF1', 'perplexity']);
      expect(metrics('comment')).toEqual(['bleu4', 'bleu4NoStopWords', 'perplexity']);
      expect(metrics('refinement')).toEqual(['bleu4', 'exactMatch', 'perplexity']);
    }
    for (const { method, value, low, high, perSeed, examples } of results.rows) {
      expect(perSeed.length).toBe(method === 'base' ? 1 : 2);
      const mean = perSeed.reduce((sum, each) => sum + each, 0) / perSeed.length;
      expect(Math.abs(value - mean)).toBeLessThanOrEqual(1e-4 * mean); // five digits are written
      expect([low <= value, value <= high, examples]).toEqual([true, true, 6]);
    }
    const untuned = row('base', 'comment', 'perplexity');
    for (const { name } of config.methods) expect(row(name, 'comment', 'perplexity')?.value).toBeLessThan(0.9 * (untuned?.value ?? 0));
    expect(results.runs.length).toBe(12);
    expect(results.runs[0]).toMatchObject({ method: 'LoRA r=2', task: 'necessity', seed: 1, steps: 2, learningRate: 0.02 });
    expect(row('LoRA r=2', 'comment', 'bleu4')?.trainableParameters).toBe(2 * 2 * (32 + 32 + 32 + 16));
    expect(results.config).toEqual(config);
  }, 300_000);

  test('goes on where it was interrupted, and ends with the same table', async () => {
    const small = { ...config, methods: config.methods.slice(0, 1), tasks: ['comment' as const] };
    const whole = await runExperiment(small, work('uninterrupted'));
    const stop = new AbortController();
    const onCell = ({ seed }: { seed: number }) => ({
      update: ({ step }: { step: number }) => void (seed === 1 && step === 4 && stop.abort()),
      finish() {},
    });
    await expect(runExperiment(small, { ...work('interrupted'), signal: stop.signal, onCell })).rejects.toThrow(/stopped after step 4/);
    const partly = collectExperiment(small, work('interrupted'));
    expect(partly.rows).toEqual(whole.rows.filter(({ method }) => method === 'base'));
    expect(partly.notRun).toEqual([1, 2].map((seed) => ({ method: 'LoRA r=2', task: 'comment', seed })));
    const done: boolean[] = [];
    const resumed = await runExperiment(small, {
      ...work('interrupted'),
      onCell: (_plan, _index, _count, isDone) => void done.push(isDone),
    });
    expect(done).toEqual([true, false, false]);
    expect(resumed.rows).toEqual(whole.rows);
    expect(resumed.notRun).toEqual([]);
    expect(resumed.runs.map(({ losses }) => losses)).toEqual(whole.runs.map(({ losses }) => losses));

    const again: boolean[] = [];
    const other = { ...small, batchSize: 3 };
    await expect(
      runExperiment(other, {
        ...work('interrupted'),
        onCell: (_plan, _index, _count, isDone) => {
          again.push(isDone);
          throw new Error('enough');
        },
      }),
    ).rejects.toThrow('enough');
    expect(again).toEqual([false]); // another configuration is another experiment

    const [cell = ''] = fs.readdirSync(folder('uninterrupted'));
    const kept = folder(`uninterrupted/${cell}/cell.json`);
    for (const [text, reason] of [
      ['{"answers"', 'not valid JSON'],
      ['[]', 'not an object'],
      ['{"trainableParameters":1,"answers":[],"losses":[]}', 'validationAnswers is not what this version writes; remove the file'],
    ] as const) {
      fs.writeFileSync(kept, text);
      expect(() => collectExperiment(small, work('uninterrupted'))).toThrow(FormatError);
      expect(() => collectExperiment(small, work('uninterrupted'))).toThrow(reason);
    }
  }, 300_000);
});

describe('readExperimentConfig', () => {
  const write = (content: object) => {
    fs.writeFileSync(folder('config.json'), JSON.stringify(content));
    return folder('config.json');
  };

  test("reads the course's own, in both forms", () => {
    for (const form of ['short', 'long']) {
      const { name, methods, tasks, seeds } = readExperimentConfig('experiments/reviewer.json', form);
      expect([name, tasks.length, seeds.length > 1]).toEqual([form, 3, true]);
      // The source's comparison has the same α for both ranks; beside it stands the one with the same α/r.
      const scales = methods.flatMap(({ adapter }) => (adapter.peftType === 'LORA' ? [[adapter.r, adapter.loraAlpha]] : []));
      expect(scales).toEqual([
        [8, 16],
        [16, 16],
        [16, 32],
      ]);
    }
  });

  test('refuses a form that is not there, and values that are none, naming file and field', () => {
    const { name: _, ...rest } = config;
    expect(() => readExperimentConfig(write({ forms: { a: rest } }), 'b')).toThrow(/no form 'b'; its forms are a/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, methods: [1] } } }), 'a')).toThrow(
      /config\.json: methods\[0\]: .*not an object/,
    );
    const negative = { forms: { a: { ...rest, methods: [{ name: 'x', adapter: { peftType: 'LORA', r: -1 } }] } } };
    expect(() => readExperimentConfig(write(negative), 'a')).toThrow(/config\.json: .*-1/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, batchSize: 0 } } }), 'a')).toThrow(/config\.json: batchSize 0/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, steps: { comment: 3 } } } }), 'a')).toThrow(
      /steps\.necessity undefined/,
    );
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, seeds: [] } } }), 'a')).toThrow(FormatError);
    expect(() =>
      readExperimentConfig(write({ forms: { a: { ...rest, methods: [{ name: 'x', adapter: { peftType: 'X' } }] } } }), 'a'),
    ).toThrow(/neither LORA/);
    expect(() => readExperimentConfig(write([]), 'a')).toThrow(FormatError);
  });
});
