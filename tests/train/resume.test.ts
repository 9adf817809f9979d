import fs from 'node:fs';
import {
  AdamW,
  type BatchSource,
  getPeftModel,
  LoraConfig,
  loadCheckpoint,
  makeBatches,
  StateError,
  saveCheckpoint,
  TrainingAbortedError,
  type TrainOptions,
  tf,
  train,
} from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { noTensorLeft } from '../noTensorLeft';
import { BigramModel, countingExamples } from './bigramModel';
import { fingerprint, heldOut, type Kind, sequences, smallModel, smallRun, steps } from './smallRun';

const folder = temporaryFolder();
noTensorLeft();

async function runThrough(kind: Kind): Promise<string> {
  const model = smallModel(kind);
  try {
    return fingerprint(model, await smallRun(model));
  } finally {
    model.dispose();
  }
}

const runs = new Map<Kind, Promise<string>>();

/** The fingerprint of a run that nothing stopped, made once. */
function uninterrupted(kind: Kind): Promise<string> {
  const found = runs.get(kind) ?? runThrough(kind);
  runs.set(kind, found);
  return found;
}

/** Runs up to a step, in a model of its own, and stops there as Ctrl-C does. */
async function stoppedAfter(kind: Kind, directory: string, step: number): Promise<void> {
  const model = smallModel(kind);
  const stop = new AbortController();
  const onStep = (record: { step: number }) => void (record.step === step && stop.abort());
  await expect(smallRun(model, { checkpoint: { directory, everySteps: 4 }, signal: stop.signal, onStep })).rejects.toThrow(
    TrainingAbortedError,
  );
  model.dispose();
}

describe.each(['lora', 'prefix'] as const)('%s', (kind) => {
  test.each([[[1]], [[3]], [[7, 8]], [[2, 5, 6, 11]]])(
    'stopped after steps %j and resumed ends bit for bit as if it had run through',
    async (stops) => {
      const directory = folder(`${kind}-${stops.join('-')}`);
      for (const step of stops) await stoppedAfter(kind, directory, step);
      const model = smallModel(kind);
      const result = await smallRun(model, { checkpoint: { directory, everySteps: 4 } });
      expect(result.history.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
      expect(fingerprint(model, result)).toBe(await uninterrupted(kind));
      model.dispose();
    },
  );

  test('a run goes on bit for bit in a model whose adapter began with another seed', async () => {
    const directory = folder(`${kind}-other-seed`);
    await stoppedAfter(kind, directory, 5);
    const model = smallModel(kind, { seed: 77 });
    expect(fingerprint(model, await smallRun(model, { checkpoint: { directory } }))).toBe(await uninterrupted(kind));
    model.dispose();
  });

  test('a finished run does nothing more, and gives what it gave', async () => {
    const directory = folder(`${kind}-finished`);
    const model = smallModel(kind);
    const first = fingerprint(model, await smallRun(model, { checkpoint: { directory } }));
    model.dispose();
    const again = smallModel(kind);
    const onStep = () => expect.unreachable();
    expect(fingerprint(again, await smallRun(again, { checkpoint: { directory }, onStep }))).toBe(first);
    again.dispose();
  });
});

test('the last evaluation of a finished run is saved with it, also where its last step was saved before', async () => {
  const directory = folder('evaluated');
  const log = folder('evaluated.jsonl');
  const run = async () => {
    const model = smallModel('lora');
    const told: number[] = [];
    const evaluation = {
      batches: heldOut,
      everySteps: 5,
      keepBest: true,
      onEvaluation: ({ step }: { step: number }) => void told.push(step),
    };
    const found = fingerprint(model, await smallRun(model, { evaluation, log, checkpoint: { directory, everySteps: 4 } }));
    model.dispose();
    return { told, found };
  };
  const first = await run();
  const lines = fs.readFileSync(log, 'utf8');
  const second = await run();
  expect([first.told, second.told]).toEqual([[0, 5, 10, 12], []]);
  expect(second.found).toBe(first.found);
  expect(fs.readFileSync(log, 'utf8')).toBe(lines);
});

test('a run that was stopped before its first step keeps the evaluation that came before it in the log', async () => {
  const directory = folder('stopped-at-0');
  const log = folder('stopped-at-0.jsonl');
  const logged = () =>
    Array.from(fs.readFileSync(log, 'utf8').matchAll(/"type":"(\w+)","step":(\d+)/g), ([, type, step]) => `${type} ${step}`);
  const model = new BigramModel();
  const batches = countingExamples(2).map(({ inputIds, labels }) => ({ inputIds: [inputIds], labels: [labels] }));
  const stop = new AbortController();
  const options = { log, checkpoint: { directory } };
  const evaluation = { batches, onEvaluation: () => stop.abort() };
  await expect(train(model, batches, { ...options, evaluation, signal: stop.signal })).rejects.toThrow(TrainingAbortedError);
  expect(logged()).toEqual(['evaluation 0']);
  await train(model, batches, { ...options, evaluation: { batches } });
  expect(logged()).toEqual(['evaluation 0', 'step 1', 'step 2', 'evaluation 2']);
  model.dispose();
});

test('dropout acts in the updates, not in evaluations, and is off again afterwards', async () => {
  const model = smallModel('lora');
  const modes = new Set<string>();
  const { loss } = model;
  model.loss = (ids, ...rest) => {
    modes.add(`${(ids as tf.Tensor2D).shape[1] === 3 ? 'evaluation' : 'step'} ${model.isTraining}`);
    return loss.call(model, ids, ...rest);
  };
  const evaluation = { batches: [{ inputIds: [[1, 2, 3]], labels: [[1, 2, 3]] }], everySteps: 5 };
  await smallRun(model, { compile: false, evaluation });
  expect(modes).toEqual(new Set(['step true', 'evaluation false']));
  expect(model.isTraining).toBe(false);
  expect(model.dropoutStep).toBe(2 * steps); // two batches per update, each with masks of its own
  model.dispose();
});

describe('a held-out loss that is no finite number', () => {
  const losses = [Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY];
  const batches = countingExamples(2).map(({ inputIds, labels }) => ({ inputIds: [inputIds], labels: [labels] }));

  /** Two updates, and an evaluation before, between and after them, each with another of the losses. */
  async function run(directory: string) {
    const model = new BigramModel();
    const { loss } = model;
    let shift = 0;
    model.loss = (ids, labels) => tf.tidy(() => loss.call(model, ids, labels).add(shift).asScalar());
    const left = [...losses];
    const heldOut = function* () {
      shift = left.shift() ?? 0;
      yield* batches.slice(0, 1);
      shift = 0;
    };
    const evaluation = { batches: heldOut, everySteps: 1 };
    const { evaluations } = await train(model, batches, { evaluation, checkpoint: { directory }, compile: false });
    model.dispose();
    return evaluations;
  }

  test('is the same in a resumed run', async () => {
    const directory = folder('not-finite');
    const first = await run(directory);
    expect(first.map(({ loss, perplexity }) => [loss, perplexity])).toEqual(losses.map((loss) => [loss, Math.exp(loss)]));
    expect(await run(directory)).toEqual(first);
  });
});

test('a checkpoint of something else is refused', async () => {
  for (const state of [null, { kind: 'another' }]) {
    const directory = folder(`foreign-${state?.kind}`);
    tf.tidy(() => saveCheckpoint(directory, { step: 1, state, tensors: { weights: { a: tf.ones([2]) } } }));
    const model = new BigramModel();
    await expect(train(model, [], { checkpoint: { directory } })).rejects.toRefuse(
      StateError,
      /checkpoint-1-step-1 is not a checkpoint of train\(\)/,
    );
    model.dispose();
  }
});

test("another adapter's checkpoint is refused, and the model stays as it is", async () => {
  const directory = folder('other');
  await stoppedAfter('lora', directory, 2);
  const base = smallModel('prefix').unload();
  const model = getPeftModel(base, new LoraConfig({ r: 8, targetModules: ['q_proj'] }));
  const start = [...model.trainableParameters().values()].map((variable) => [...variable.dataSync()]);
  await expect(smallRun(model, { checkpoint: { directory } })).rejects.toThrow(
    /is of another model: \d+ parameters differ \(.*saved \[.*\], model \[/,
  );
  await expect(smallRun(model, { checkpoint: { directory } })).rejects.toThrow(StateError);
  expect([...model.trainableParameters().values()].map((variable) => [...variable.dataSync()])).toEqual(start);
  model.dispose();
});

describe('a run that is resumed with something else', () => {
  const batchesOf = (count: number, batchSize: number) => () => makeBatches(sequences(count, 0), { batchSize, padTokenId: 0 });

  test.each<[string, TrainOptions, BatchSource | undefined, RegExp]>([
    ['data', {}, batchesOf(15, 3), /with another setup: the training data are not the same\. Resume with the same adapter, base, data/],
    ['batch size', {}, batchesOf(18, 4), /the training data are not the same/],
    ['held-out data', { evaluation: { batches: heldOut.slice(1) } }, undefined, /the held-out data are not the same/],
    ['accumulation', { gradientAccumulation: 1 }, undefined, /gradientAccumulation was 2 and is 1/],
    ['largest norm', { maxGradNorm: Infinity }, undefined, /maxGradNorm was "1" and is "Infinity"/],
    ['compilation, which pads batches and so draws other dropout masks', { compile: false }, undefined, /compile was true and is false/],
    ['precision', { precision: 'bfloat16' }, undefined, /precision was "float32" and is "bfloat16"/],
  ])('another %s is refused, and the model stays as it is', async (name, options, batches, message) => {
    const directory = folder(`other-${name}`);
    await stoppedAfter('lora', directory, 2);
    const model = smallModel('lora');
    const values = () => [...model.trainableParameters().values()].map((variable) => [...variable.dataSync()]);
    const start = values();
    await expect(smallRun(model, { checkpoint: { directory }, ...options }, batches)).rejects.toThrow(message);
    expect(values()).toEqual(start);
    model.dispose();
  });

  test.each([
    ['of other names', (name: string) => name.includes('lora_B'), /decays was "all" and is "[^"]*lora_B/],
    ['of no name', () => false, /decays was "all" and is "none"/],
  ])('weight decay %s is refused; a checkpoint of an older version does not tell', async (name, decays, message) => {
    const directory = folder(`decay ${name}`);
    await stoppedAfter('lora', directory, 2);
    const resumed = async () => {
      const [model, optimizer] = [smallModel('lora'), new AdamW({ learningRate: 0.025, weightDecay: 0.1, decays })];
      const run = smallRun(model, { checkpoint: { directory }, optimizer, steps: 4 });
      return run.finally(() => {
        model.dispose();
        optimizer.dispose();
      });
    };
    await expect(resumed()).rejects.toRefuse(StateError, message);
    const checkpoint = loadCheckpoint(directory);
    if (!checkpoint) throw new Error('there is no checkpoint');
    const state = JSON.parse(JSON.stringify(checkpoint.state));
    delete state.setup.inputs.settings.decays;
    saveCheckpoint(directory, { ...checkpoint, state });
    tf.dispose(Object.values(checkpoint.tensors));
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect((await resumed()).history).toHaveLength(4);
    vi.mocked(console.warn).mockRestore();
  });

  test('constants of the optimizer are refused; another learning rate, or more updates, are taken with a warning', async () => {
    const directory = folder('other-rate');
    await stoppedAfter('lora', directory, 2);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const resumed = async (optimizer: AdamW) => {
      const model = smallModel('lora');
      const run = smallRun(model, { checkpoint: { directory }, optimizer, steps: 4 });
      return run.finally(() => {
        model.dispose();
        optimizer.dispose();
      });
    };
    await expect(resumed(new AdamW({ weightDecay: 0.2 }))).rejects.toThrow(/weightDecay was 0\.1 and is 0\.2/);
    expect(warn).not.toHaveBeenCalled();
    const { history } = await resumed(new AdamW({ learningRate: 0.001, weightDecay: 0.1 }));
    expect(history.map(({ learningRate }) => learningRate)).toEqual([0, 0.025, 0.001, 0.001]);
    expect(warn.mock.calls.flat().join()).toMatch(
      /update 2 the learning rate 0\.025, and this one gives it 0\.001; the rest of the run follows/,
    );
    warn.mockRestore();
  });
});

describe('data that come one by one', () => {
  /** A generator for each epoch, of 12 batches: 6 updates. */
  const oneByOne = (count: number, batchSize: number, from = 0) =>
    async function* () {
      yield* makeBatches(sequences(count, from), { batchSize, padTokenId: 0 });
    };

  async function warningsOfResuming(name: string, step: number, batches: BatchSource): Promise<string> {
    const directory = folder(name);
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    for (const [data, last] of [[oneByOne(12, 1), step] as const, [batches, steps] as const]) {
      const model = smallModel('prefix');
      await smallRun(model, { steps: last, evaluation: undefined, checkpoint: { directory, everySteps: 100 } }, data);
      model.dispose();
    }
    const text = warned.mock.calls.flat().join();
    warned.mockRestore();
    return text;
  }

  test.each([2, 6, 8])('are taken up after step %i without a word where they are the same', async (step) => {
    expect(await warningsOfResuming(`same-${step}`, step, oneByOne(12, 1))).toBe('');
  });

  test.each([
    ['others', 2, oneByOne(12, 1, 1), 'the first 4 batches of epoch 0 are not those'],
    ['others after a whole epoch', 6, oneByOne(12, 1, 1), 'the first 12 batches of epoch 0 are not those'],
    ['others in the second epoch', 8, oneByOne(12, 1, 1), 'the first 4 batches of epoch 1 are not those'],
    ['fewer', 6, oneByOne(11, 1), 'the first 12 batches of epoch 0 are not those'],
    ['the same in other batches', 2, oneByOne(12, 2), 'the first 4 batches of epoch 0 are not those'],
  ])('are said to be %s', async (name, step, batches, message) => {
    expect(await warningsOfResuming(name.replaceAll(' ', '-'), step, batches)).toContain(message);
  });
});

test('the log of a resumed run has every step once, also where a crash has cut off a line', async () => {
  const directory = folder('logged');
  const log = folder('logs/run.jsonl');
  const run = async (stopAfter: number) => {
    const model = new BigramModel();
    const optimizer = new AdamW();
    const stop = new AbortController();
    const batches = countingExamples(40).map(({ inputIds, labels }) => ({ inputIds: [inputIds], labels: [labels] }));
    const onStep = ({ step }: { step: number }) => void (step === stopAfter && stop.abort());
    const options = { optimizer, steps: 20, log, checkpoint: { directory, everySteps: 5 }, signal: stop.signal, onStep };
    await train(model, batches, options).catch((error: unknown) => expect(error).toBeInstanceOf(TrainingAbortedError));
    optimizer.dispose();
    model.dispose();
  };
  await run(7);
  fs.appendFileSync(log, '{"type":"step","step":8,"lo');
  await run(99);
  const lines = fs
    .readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ type, step }) => [type, step])).toEqual(Array.from({ length: 20 }, (_, i) => ['step', i + 1]));
  for (const { loss, time } of lines) expect([typeof loss, Number.isNaN(Date.parse(time))]).toEqual(['number', false]);
});

test.each([
  ['no moment', 'x', [1]],
  ['a moment of another shape', undefined, [1, 2]],
])('a checkpoint of the same parameters with %s is refused by its name, and the model stays as it is', async (_, given, shape) => {
  const model = smallModel('lora');
  const weights = Object.fromEntries(model.trainableParameters());
  const [name = ''] = Object.keys(weights);
  const before = weights[name]?.dataSync();
  const optimizer = tf.tidy(() => ({ [given ?? `first.${name}`]: tf.keep(tf.zeros(shape)), [`second.${name}`]: tf.keep(tf.zeros(shape)) }));
  const step = { loss: 1, learningRate: 0.1, gradNorm: 1, tokensPerSecond: 1 };
  const state = {
    kind: 'lowrank training run',
    optimizerStep: 1,
    dropoutSeeds: {},
    position: { epoch: 0, batch: 2 },
    history: [{ step: 1, ...step }],
    evaluations: [],
    setup: { adapters: {}, config: {}, frozen: {}, inputs: { data: {}, settings: {} } },
  };
  const directory = folder(`moments ${given}`);
  saveCheckpoint(directory, { step: 1, state, tensors: { weights, optimizer, best: {} } });
  tf.dispose(optimizer);
  await expect(smallRun(model, { checkpoint: { directory } })).rejects.toThrow(
    /checkpoint-1-step-1: '.*' \[.*\] is no moment of a trained parameter/,
  );
  expect(weights[name]?.dataSync()).toEqual(before);
  model.dispose();
});
