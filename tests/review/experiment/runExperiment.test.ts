import fs from 'node:fs';
import { ArgumentError, FormatError, StateError, tf } from 'lowrank';
import {
  type CellPlan,
  type ExperimentConfig,
  type ReviewExample,
  type ReviewSplits,
  readExperimentConfig,
  runExperiment,
} from 'lowrank-review';
import { afterAll, describe, expect, test } from 'vitest';
import { workerWords } from '../../../lib/review/src/cli/experimentWorkers';
import { collectExperiment } from '../../../lib/review/src/experiment/runExperiment';
import { differenceInterval } from '../../../lib/review/src/experiment/seededBootstrap';
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
const splits: ReviewSplits = { train: part(300, 60), validation: part(100, 20), test: part(200, 20) };

const config: ExperimentConfig = {
  name: 'tiny',
  methods: [
    { name: 'all weights', learningRates: [0.001, 0.01], seeds: 1 },
    { name: 'LoRA r=2', adapter: { peftType: 'LORA', r: 2, loraAlpha: 4, loraDropout: 0.1 }, learningRates: [0.0001, 0.02, 1e30] },
    { name: 'prefix K=3', adapter: { peftType: 'ADAPTION_PROMPT', adapterLen: 3, adapterLayers: 1 }, learningRates: [0.05] },
  ],
  tasks: ['necessity', 'comment', 'refinement'],
  seeds: [1, 2],
  sweep: { steps: 3 },
  maxSteps: 6,
  evaluateEvery: 3,
  patience: 2,
  warmupSteps: 1,
  maxLength: 300,
  batchSize: 2,
  examples: { train: 20, validation: 4, test: 6 },
  maxNewTokens: { comment: 4, refinement: 4 },
  compare: [
    ['LoRA r=2', 'base'],
    ['LoRA r=2', 'copied code'],
  ],
};

const work = (place: string) => ({
  model,
  modelName: 'letters',
  tokenizer: letterTokenizer,
  splits,
  texts: { code: ['let a;', 'let b;'], english: ['A text.'] },
  dataName: 'made up',
  version: '0.0.0',
  folder: folder(place),
});

const weights = () => [...model.namedParameters()].map(([name, variable]) => [name, variable.sum().dataSync()[0]]);

describe('runExperiment', () => {
  test('compares every method with the untuned model and with trivial answers, and leaves the model as it was', async () => {
    const before = weights();
    const tensors = tf.memory().numTensors;
    const { results, answers } = await runExperiment(config, work('whole'));
    expect(tf.memory().numTensors).toBe(tensors);
    expect(weights()).toEqual(before);

    const row = (method: string, task: string, metric: string) =>
      results.rows.find((each) => each.method === method && each.task === task && each.metric === metric);
    const metrics = (method: string, task: string) =>
      results.rows.filter((each) => each.method === method && each.task === task).map(({ metric }) => metric);
    const losses = ['perplexity', 'codeLoss', 'englishLoss'];
    for (const method of ['base', 'all weights', 'LoRA r=2', 'prefix K=3']) {
      expect(metrics(method, 'necessity')).toEqual(['f1', 'precision', 'recall', 'accuracy', ...losses]);
      expect(metrics(method, 'comment')).toEqual(['bleu4', 'bleu4NoStopWords', ...losses]);
      expect(metrics(method, 'refinement')).toEqual(['exactMatch', 'bleu4', ...losses]);
    }
    expect(row('always yes', 'necessity', 'recall')).toMatchObject({ value: 100, perSeed: [100], examples: 6 });
    expect(row('most frequent comment', 'comment', 'bleu4')?.value).toBeGreaterThan(0);
    expect(row('copied code', 'refinement', 'exactMatch')?.value).toBe(0);
    for (const { method, value, low, high, perSeed } of results.rows) {
      expect(perSeed.length).toBe(['LoRA r=2', 'prefix K=3'].includes(method) ? 2 : 1);
      const mean = perSeed.reduce((sum, each) => sum + each, 0) / perSeed.length;
      expect(Math.abs(value - mean)).toBeLessThanOrEqual(1e-4 * mean); // five digits are written
      expect([low <= value, value <= high]).toEqual([true, true]);
    }
    const untuned = row('base', 'comment', 'perplexity')?.value ?? 0;
    for (const { name } of config.methods) expect(row(name, 'comment', 'perplexity')?.value).toBeLessThan(0.9 * untuned);
    expect(results.runs.length).toBe(15);
    const run = results.runs.find(({ method, task }) => method === 'LoRA r=2' && task === 'comment');
    expect(run).toMatchObject({ seed: 1, steps: 6, learningRate: 0.02, trainableParameters: 2 * (32 + 32 + 32 + 16) });
    expect(run?.evaluations.map(({ step }) => step)).toEqual([0, 3, 6]);
    expect(run?.evaluations.every(({ seconds }, i, all) => seconds >= (all[i - 1]?.seconds ?? 0))).toBe(true);
    expect(run?.adapterBytes).toBeGreaterThan(4 * (run?.trainableParameters ?? 0));
    expect(results.runs.find(({ method }) => method === 'all weights')).toMatchObject({ adapterBytes: null });
    expect(answers.trim().split('\n').length).toBe(18); // the base, and every run
    expect(results.config).toEqual(config);
  }, 300_000);

  test('chooses the learning rate with the lowest validation loss, and says when it is at the edge or a trial diverged', async () => {
    const { results } = await runExperiment(config, work('whole'));
    const sweep = (method: string) => results.sweeps.find((each) => each.method === method && each.task === 'comment');
    expect(sweep('LoRA r=2')).toMatchObject({ learningRate: 0.02, isAtEdge: false });
    expect(sweep('LoRA r=2')?.trials.map(({ learningRate, loss }) => [learningRate, typeof loss])).toEqual([
      [0.0001, 'number'],
      [0.02, 'number'],
      [1e30, 'object'],
    ]);
    expect(sweep('all weights')).toMatchObject({ learningRate: 0.01, isAtEdge: true });
  }, 300_000);

  test('a paired difference is the difference of the means, and its interval is 0 between equal answers', async () => {
    const { results } = await runExperiment(config, work('whole'));
    const value = (method: string, metric: string) =>
      results.rows.find((each) => each.method === method && each.task === 'comment' && each.metric === metric)?.value ?? 0;
    const difference = results.differences.find(({ task, metric }) => task === 'comment' && metric === 'perplexity');
    expect(difference).toMatchObject({ method: 'LoRA r=2', reference: 'base' });
    expect(difference?.value).toBeCloseTo(value('LoRA r=2', 'perplexity') - value('base', 'perplexity'), 1);
    expect(difference?.high).toBeLessThan(0);
    expect(results.differences.filter(({ reference }) => reference === 'copied code').map(({ metric }) => metric)).toEqual([
      'exactMatch',
      'bleu4',
    ]);
    expect(differenceInterval([([place = 0]) => place], [([place = 0]) => place], 5)).toEqual({ value: 0, low: 0, high: 0 });
  }, 300_000);

  const small = { ...config, methods: config.methods.slice(1, 2), tasks: ['comment' as const], compare: [] };

  test('goes on where it was interrupted, and ends with the same table', async () => {
    const whole = await runExperiment(small, work('uninterrupted'));
    const stop = new AbortController();
    const onCell = (plan: CellPlan) => ({
      update: ({ step }: { step: number }) => void (plan.kind === 'run' && step === 4 && stop.abort()),
      finish() {},
    });
    await expect(runExperiment(small, { ...work('interrupted'), signal: stop.signal, onCell })).rejects.toThrow(/stopped after step 4/);
    const partly = collectExperiment(small, work('interrupted')).results;
    const isRun = (method: string) => method === 'LoRA r=2';
    expect(partly.rows).toEqual(whole.results.rows.filter(({ method }) => !isRun(method)));
    expect(partly.notRun).toEqual([1, 2].map((seed) => ({ method: 'LoRA r=2', task: 'comment', seed })));
    const done: string[] = [];
    const resumed = await runExperiment(small, { ...work('interrupted'), onCell: (plan) => void done.push(plan.kind) });
    expect(done).toEqual(['run', 'run']);
    expect(resumed.results.rows).toEqual(whole.results.rows);
    expect(resumed.answers).toEqual(whole.answers);
    expect(resumed.results.notRun).toEqual([]);
    const held = ({ results }: typeof whole) => results.runs.map(({ evaluations }) => evaluations.map(({ step, loss }) => [step, loss]));
    expect(held(resumed)).toEqual(held(whole));
    expect(whole.results.environments.length).toBe(1);
    expect(whole.results.environments[0]).toMatchObject({ lowrank: '0.0.0', workers: 1 });
  }, 300_000);

  /** The cells that a run begins before it is stopped at the first. */
  const begun = async (settings: ExperimentConfig, own: ReturnType<typeof work>) => {
    const cells: CellPlan[] = [];
    const onCell = (plan: CellPlan) => {
      cells.push(plan);
      throw new Error('enough');
    };
    await runExperiment(settings, { ...own, onCell }).catch((error: Error) => expect(error.message).toBe('enough'));
    return cells;
  };

  test('another configuration, or other weights under the same name, is another experiment', async () => {
    await runExperiment(small, work('uninterrupted'));
    expect(await begun(small, work('uninterrupted'))).toEqual([]);
    expect(await begun({ ...small, batchSize: 3 }, work('uninterrupted'))).toMatchObject([{ kind: 'base' }]);
    const other = letterModel(4);
    expect(await begun(small, { ...work('uninterrupted'), model: other })).toMatchObject([{ kind: 'base' }]);
    other.dispose();
  }, 300_000);

  test('runs that were trained at a rate no longer chosen are trained again', async () => {
    await runExperiment(small, work('uninterrupted'));
    const [method] = small.methods as [ExperimentConfig['methods'][number]];
    const fewer = { ...small, methods: [{ ...method, learningRates: [0.0001] }] };
    expect(await begun(fewer, work('uninterrupted'))).toMatchObject([{ kind: 'run', seed: 1 }]);
    const { runs, notRun } = collectExperiment(fewer, work('uninterrupted')).results;
    expect([runs.length, notRun.length]).toEqual([0, 2]);
  }, 300_000);

  test('refuses results that are damaged, of another cell or of another version, and names the file', async () => {
    await runExperiment(small, work('uninterrupted'));
    const cells = fs.readdirSync(folder('uninterrupted')).map((name) => folder(`uninterrupted/${name}/cell.json`));
    const [one = '', two = ''] = cells.filter((path) => fs.existsSync(path));
    const [whole, another] = [fs.readFileSync(one, 'utf8'), fs.readFileSync(two, 'utf8')];
    for (const [text, reason] of [
      ['', 'not valid JSON'],
      [whole.slice(0, -9), 'not valid JSON'],
      ['[]', 'not an object'],
      [whole.replace('5', '4'), 'is damaged: its checksum does not fit; remove the file to run the cell again'],
      ['{"loss":1}', 'another version wrote it; remove the file to run the cell again'],
      [another, 'is the result of another cell'],
    ] as const) {
      fs.writeFileSync(one, text);
      expect(() => collectExperiment(small, work('uninterrupted'))).toRefuse(FormatError, reason);
      expect(() => collectExperiment(small, work('uninterrupted'))).toThrow(one);
    }
    fs.writeFileSync(one, whole);
    expect(await begun(small, work('uninterrupted'))).toEqual([]);
  }, 300_000);

  test('refuses the unfinished training of another seed, and one whose checkpoints are all damaged', async () => {
    const stop = new AbortController();
    const onCell = (plan: CellPlan) => ({
      update: ({ step }: { step: number }) => void (plan.kind === 'run' && step === 4 && stop.abort()),
      finish() {},
    });
    await expect(runExperiment(small, { ...work('exchanged'), signal: stop.signal, onCell })).rejects.toThrow(/stopped after step 4/);
    await runExperiment(small, work('uninterrupted')); // its folders have the same names
    const names = fs.readdirSync(folder('uninterrupted')).filter((name) => fs.existsSync(folder(`uninterrupted/${name}/adapter`)));
    const [name = ''] = names.filter((each) => !fs.existsSync(folder(`exchanged/${each}`)));
    const [other = ''] = names.filter((each) => each !== name);
    fs.mkdirSync(folder(`exchanged/${name}`));
    fs.renameSync(folder(`exchanged/${other}/training`), folder(`exchanged/${name}/training`));
    await expect(runExperiment(small, work('exchanged'))).rejects.toRefuse(StateError, 'is of a run with another setup');
    const training = folder(`exchanged/${name}/training`);
    for (const each of fs.readdirSync(training)) fs.truncateSync(`${training}/${each}/weights.safetensors`, 9);
    await expect(runExperiment(small, work('exchanged'))).rejects.toRefuse(
      FormatError,
      `checkpoints in ${training} are damaged: remove that folder to start again, or take another`,
    );
  }, 300_000);

  test('refuses a maxLength that no validation example fits', async () => {
    await expect(runExperiment({ ...small, maxLength: 20 }, work('short'))).rejects.toRefuse(
      ArgumentError,
      'none of 4 validation examples of the comment task fits maxLength 20',
    );
  });

  test('two processes share a folder: a cell that another one runs is left to it', async () => {
    const order: string[] = [];
    const both = { ...small, seeds: [1] };
    const other = letterModel();
    const one = (own: typeof model) => runExperiment(both, { ...work('shared'), model: own, onCell: (plan) => void order.push(plan.kind) });
    const [a, b] = await Promise.all([one(model), one(other)]);
    other.dispose();
    expect(a.results.rows).toEqual(b.results.rows);
    expect(order.length).toBe(1 + 3 + 1); // every cell once
  }, 300_000);
});

describe('workerWords', () => {
  test("are the command's own without the number of workers", () => {
    const words = ['lowrank', 'experiment', 'f.json', '--workers', '12', '--quiet'];
    expect(workerWords(words, 12)).toEqual(['lowrank', 'experiment', 'f.json', '--quiet', '--worker', '12']);
    expect(workerWords(['--workers=2'], 2)).toEqual(['--worker', '2']);
  });
});

describe('readExperimentConfig', () => {
  const write = (content: object) => {
    fs.writeFileSync(folder('config.json'), JSON.stringify(content));
    return folder('config.json');
  };

  test("reads the course's own, in both forms", () => {
    const { methods, seeds, tasks } = readExperimentConfig('experiments/reviewer.json', 'long');
    expect([tasks.length, seeds.length]).toEqual([3, 5]);
    const scales = methods.flatMap(({ adapter }) =>
      adapter?.peftType === 'LORA' && !adapter.useRslora && !adapter.useDora && !adapter.targetModules
        ? [[adapter.r, adapter.loraAlpha]]
        : [],
    );
    expect(scales).toEqual([
      [8, 8],
      [8, 16],
      [16, 16],
      [16, 32],
    ]);
    for (const { learningRates } of methods) expect(learningRates.length).toBe(6);
    expect(readExperimentConfig('experiments/reviewer.json', 'short').methods.length).toBe(2);
  });

  test('refuses a form that is not there, and values that are none, naming file and field', () => {
    const { name: _, ...rest } = config;
    expect(() => readExperimentConfig(write({ forms: { a: rest } }), 'b')).toThrow(/no form 'b'; its forms are a/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, methods: [1] } } }), 'a')).toThrow(
      /config\.json: methods\[0\]: .*not an object/,
    );
    const negative = { forms: { a: { ...rest, methods: [{ name: 'x', adapter: { peftType: 'LORA', r: -1 }, learningRates: [1] }] } } };
    expect(() => readExperimentConfig(write(negative), 'a')).toThrow(/config\.json: .*-1/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, batchSize: 0 } } }), 'a')).toThrow(/config\.json: batchSize 0/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, sweep: {} } } }), 'a')).toThrow(/sweep\.steps undefined/);
    const pair = { forms: { a: { ...rest, compare: [['LoRA r=2', 'LoRA r=3']] } } };
    expect(() => readExperimentConfig(write(pair), 'a')).toThrow(/compare: "LoRA r=3" is not a method of this configuration/);
    const descending = { forms: { a: { ...rest, methods: [{ name: 'x', learningRates: [2, 1] }] } } };
    expect(() => readExperimentConfig(write(descending), 'a')).toThrow(/methods\[0\]: learningRates: 1 is not a number above/);
    expect(() => readExperimentConfig(write({ forms: { a: { ...rest, seeds: [] } } }), 'a')).toThrow(FormatError);
    expect(() =>
      readExperimentConfig(
        write({ forms: { a: { ...rest, methods: [{ name: 'x', adapter: { peftType: 'X' }, learningRates: [1] }] } } }),
        'a',
      ),
    ).toThrow(/neither LORA/);
    expect(() => readExperimentConfig(write([]), 'a')).toThrow(FormatError);
  });
});
