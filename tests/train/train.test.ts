import {
  AbortedError,
  AdamW,
  ArgumentError,
  type Batch,
  cosineSchedule,
  evaluateLoss,
  makeBatches,
  NotFiniteError,
  StateError,
  type StepRecord,
  TrainingAbortedError,
  tf,
  train,
} from 'lowrank';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { noTensorLeft } from '../noTensorLeft';
import { BigramModel, countingExamples } from './bigramModel';

const examples = countingExamples(24);
const batches = makeBatches(examples, { batchSize: 4, padTokenId: 0, seed: 1 });

const folder = temporaryFolder();
let model: BigramModel;
noTensorLeft();
beforeEach(() => {
  model = new BigramModel();
});
afterEach(() => model.dispose());

async function trained(given: Batch[] | ((epoch: number) => Batch[]), options: Parameters<typeof train>[2]) {
  const one = new BigramModel();
  const result = await train(one, given, options);
  const values = one.values();
  one.dispose();
  return { values, ...result };
}

test('training lowers the loss and moves every trainable parameter, and no other', async () => {
  const start = model.values();
  const optimizer = new AdamW({ learningRate: 0.05 });
  const { history, loss } = await train(model, batches, { optimizer, epochs: 10 });
  optimizer.dispose();
  expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  expect(history[0]?.loss).toBeCloseTo(Math.log(12), 0);
  expect(loss).toBeLessThan(1.4);
  expect(loss).toBe(history.at(-1)?.loss);
  const end = model.values();
  expect(end.frozen).toEqual(start.frozen);
  for (const name of ['embed_tokens.weight', 'head.weight']) expect(end[name]).not.toEqual(start[name]);
});

test('the history tells the learning rate of each update, the gradient norm before clipping and the speed', async () => {
  const learningRate = cosineSchedule({ peak: 0.1, warmupSteps: 2, totalSteps: 6 });
  const optimizer = new AdamW({ learningRate });
  const { history } = await train(model, batches, { optimizer, maxGradNorm: 1e-3 });
  optimizer.dispose();
  expect(history.map((record) => record.learningRate)).toEqual([0, 1, 2, 3, 4, 5].map(learningRate));
  for (const { gradNorm, tokensPerSecond } of history) {
    expect(gradNorm).toBeGreaterThan(1e-3);
    expect(tokensPerSecond).toBeGreaterThan(0);
  }
});

test('the same seed gives the same weights bit by bit, another seed others', async () => {
  const run = (seed: number) => {
    const source = (epoch: number) => makeBatches(examples, { batchSize: 4, padTokenId: 0, seed, epoch });
    return trained(source, { steps: 10 });
  };
  const [one, again, other] = [await run(1), await run(1), await run(2)];
  expect(again.values).toEqual(one.values);
  expect(other.values).not.toEqual(one.values);
});

test('accumulated small batches equal one big batch, also where their labels differ in number', async () => {
  const uneven = examples.map((example, i) => ({ ...example, labels: example.labels.map((label, t) => (t > 1 + (i % 6) ? -100 : label)) }));
  const big = makeBatches(uneven, { batchSize: 12, padTokenId: 0 });
  const small = makeBatches(uneven, { batchSize: 3, padTokenId: 0 });
  const whole = await trained(big, { epochs: 3 });
  const parts = await trained(small, { epochs: 3, gradientAccumulation: 4 });
  expect(parts.history.length).toBe(6);
  for (const [i, { loss }] of parts.history.entries()) expect(loss).toBeCloseTo(whole.history[i]?.loss ?? 0, 5);
  for (const [name, values] of Object.entries(parts.values)) {
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(whole.values[name]?.[i] ?? 0, 5);
  }
});

test('an epoch that does not fill the last window still ends with an update', async () => {
  const { history } = await train(model, batches, { epochs: 2, gradientAccumulation: 4 });
  expect(history.length).toBe(4); // 6 batches: 4 + 2, twice
});

test('steps go over as many epochs as they need, and stop within one', async () => {
  const epochs: number[] = [];
  const source = (epoch: number) => {
    epochs.push(epoch);
    return batches;
  };
  const { history } = await train(model, source, { steps: 13 });
  expect(history.length).toBe(13);
  expect(epochs).toEqual([0, 1, 2]);
});

test('batches may come one by one from an async generator', async () => {
  async function* arriving() {
    for (const batch of batches) yield batch;
  }
  expect((await train(model, arriving(), {})).history.length).toBe(6);
  await expect(train(model, arriving(), { epochs: 2 })).rejects.toThrow(/generator can be read only once/);
});

test('a parameter that the loss does not reach stays as it is', async () => {
  const reached = new BigramModel();
  reached.frozen.trainable = true;
  reached.loss = () => tf.tidy(() => reached.embedTokens.weight.square().mean().asScalar());
  const start = reached.values();
  await train(reached, batches, { steps: 2 });
  expect(reached.values()['head.weight']).toEqual(start['head.weight']);
  expect(reached.values()['embed_tokens.weight']).not.toEqual(start['embed_tokens.weight']);
  reached.dispose();
});

test.each([true, false])('an optimizer of another model is refused before anything changes (compile: %s)', async (compile) => {
  const optimizer = new AdamW({ learningRate: 0.05 });
  const fresh = await trained(batches, { optimizer, steps: 3, compile });
  const start = model.values();
  const message = 'belong to another variable, of another model or of an adapter that is gone: call its dispose() first';
  await expect(train(model, batches, { optimizer, steps: 3, compile })).rejects.toRefuse(StateError, message);
  expect([model.values(), optimizer.step]).toEqual([start, 3]);
  optimizer.dispose();
  await train(model, batches, { optimizer, steps: 3, compile });
  expect(model.values()).toEqual(fresh.values);
  optimizer.dispose();
});

test('updates that all have the rate 0 are warned of, as after the end of a schedule', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const optimizer = new AdamW({ learningRate: cosineSchedule({ peak: 0.05, warmupSteps: 1, totalSteps: 3 }) });
  await train(model, batches, { optimizer, steps: 3 });
  await train(model, batches, { optimizer, steps: 2 });
  const message = 'the learning rate of all 2 updates is 0, after 3 of this optimizer: give a schedule of more steps, or a new optimizer';
  expect(warned.mock.calls).toEqual([[`train: ${message}`]]);
  optimizer.dispose();
  warned.mockClear();
  const constant = new AdamW({ learningRate: 0 });
  await train(model, batches, { optimizer: constant, steps: 2 });
  constant.dispose();
  expect(warned.mock.calls).toEqual([['train: the learning rate of all 2 updates is 0: give a higher one']]);
  warned.mockRestore();
});

test('20 steps keep no tensor', async () => {
  const optimizer = new AdamW();
  await train(model, batches, { optimizer, steps: 1 });
  const live = tf.memory().numTensors;
  await train(model, batches, { optimizer, steps: 20, gradientAccumulation: 2 });
  expect(tf.memory().numTensors).toBe(live);
  optimizer.dispose();
});

test.each([2, 3, 100])('updates given %d at once come to the same, number by number', async (stepsAtOnce) => {
  const options = { steps: 11, evaluation: { batches, everySteps: 4 }, gradientAccumulation: 2 };
  const single = await trained((epoch) => makeBatches(examples, { batchSize: 4, padTokenId: 0, seed: epoch }), options);
  const ahead = await trained((epoch) => makeBatches(examples, { batchSize: 4, padTokenId: 0, seed: epoch }), { ...options, stepsAtOnce });
  const told = ({ history }: typeof ahead) => history.map(({ tokensPerSecond: _, ...numbers }) => numbers);
  expect(told(ahead)).toEqual(told(single));
  expect(ahead.evaluations).toEqual(single.evaluations);
  expect(ahead.values).toEqual(single.values);
});

test('updates that were begun before the data gave out are told of and counted', async () => {
  const optimizer = new AdamW({ learningRate: 0.1 });
  const told: number[] = [];
  const source = function* () {
    yield* batches.slice(0, 3);
    throw new RangeError('no more');
  };
  const onStep = ({ step }: StepRecord) => void told.push(step);
  await expect(train(model, source, { optimizer, steps: 6, stepsAtOnce: 4, onStep })).rejects.toThrow(RangeError);
  expect([told, optimizer.step]).toEqual([[1, 2, 3], 3]);
  optimizer.dispose();
});

test('of updates given at once, each is told of when all are done', async () => {
  const weights = [model.values()];
  const onStep = () => void weights.push(model.values());
  const { history } = await train(model, batches, { steps: 3, stepsAtOnce: 2, onStep });
  expect(history.length).toBe(3);
  const [start, second, third, last] = weights;
  expect(second).not.toEqual(start);
  expect(third).toEqual(second); // steps 1 and 2
  expect(last).not.toEqual(third);
});

describe.each([{ compile: true }, { compile: false }, { compile: true, stepsAtOnce: 4 }])(
  'a loss or gradient that is not finite, %o',
  ({ compile, stepsAtOnce = 1 }) => {
    test.each([
      ['loss', (isThird: tf.Tensor) => tf.sub(1, isThird).reciprocal().mul(0), /the loss is NaN at step 3, batch 2 of epoch 0/],
      // 0 itself, but a root's slope there has no end
      [
        'gradient',
        (isThird: tf.Tensor) => model.head.weight.mul(0).sum().add(tf.sub(1, isThird)).sqrt().mul(isThird),
        /the gradients' norm is NaN \(at a loss of .*\) at step 3, batch 2 of epoch 0/,
      ],
    ])('stops the run in the same step with nothing changed: %s', async (_, spoil, message) => {
      const optimizer = new AdamW({ learningRate: 0.1 });
      const wellBehaved = model.loss.bind(model);
      const calls = tf.tidy(() => tf.variable(tf.scalar(0), false)); // a tensor: a compiled loss runs as JavaScript only once
      model.loss = (ids, labels) =>
        tf.tidy(() => {
          calls.assign(calls.add(1));
          return wellBehaved(ids, labels)
            .add(spoil(calls.equal(3).toFloat()))
            .asScalar();
        });
      const same = new AdamW({ learningRate: 0.1 });
      const twoSteps = await trained(batches, { steps: 2, optimizer: same, compile });
      same.dispose();
      const run = train(model, batches, { optimizer, compile, stepsAtOnce });
      await expect(run).rejects.toRefuse(NotFiniteError, message);
      expect(model.values()).toEqual(twoSteps.values);
      expect(optimizer.step).toBe(2);
      optimizer.dispose();
      calls.dispose();
    });
  },
);

describe('an AbortSignal', () => {
  test('lets the running step end, and the error keeps what was done', async () => {
    const abort = new AbortController();
    const seen: StepRecord[] = [];
    const onStep = (record: StepRecord) => {
      seen.push(record);
      if (record.step === 3) abort.abort();
    };
    const error = await train(model, batches, { steps: 100, signal: abort.signal, onStep }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TrainingAbortedError);
    expect((error as TrainingAbortedError).code).toBe('ABORTED');
    expect((error as TrainingAbortedError).result.history).toEqual(seen);
    expect(seen.length).toBe(3);
  });

  test('gets through from a timer while the steps go on', async () => {
    const signal = AbortSignal.timeout(200);
    await expect(train(model, batches, { steps: 1_000_000, signal })).rejects.toThrow(/stopped after step \d+/);
  });

  test('that is aborted beforehand lets nothing happen', async () => {
    const start = model.values();
    await expect(train(model, batches, { signal: AbortSignal.abort() })).rejects.toThrow(/after step 0/);
    expect(model.values()).toEqual(start);
  });
});

describe('held-out data', () => {
  const heldOut = makeBatches(countingExamples(8, { seed: 9 }), { batchSize: 4, padTokenId: 0 });

  test('is evaluated before the first update, every N and after the last', async () => {
    const { evaluations } = await train(model, batches, { steps: 5, evaluation: { batches: heldOut, everySteps: 2 } });
    expect(evaluations.map(({ step }) => step)).toEqual([0, 2, 4, 5]);
    expect(evaluations[3]?.loss).toBeLessThan(evaluations[0]?.loss ?? 0);
    expect(evaluations[0]?.tokens).toBe(8 * 6);
  });

  test('changes nothing about the training', async () => {
    const plain = await trained(batches, { steps: 5 });
    const evaluated = await trained(batches, { steps: 5, evaluation: { batches: heldOut, everySteps: 1 } });
    expect(evaluated.values).toEqual(plain.values);
  });

  test('ends the run when it gets no better, and the best weights can be kept', async () => {
    const optimizer = new AdamW({ learningRate: 1, weightDecay: 0 }); // far too high: it soon gets worse
    const atStep = new Map<number, ReturnType<BigramModel['values']>>();
    const onEvaluation = ({ step }: { step: number }) => {
      atStep.set(step, model.values());
    };
    const evaluation = { batches: heldOut, everySteps: 1, patience: 4, keepBest: true, onEvaluation };
    const { evaluations } = await train(model, batches, { optimizer, steps: 200, evaluation });
    optimizer.dispose();
    const losses = evaluations.map(({ loss }) => loss);
    const best = losses.indexOf(Math.min(...losses));
    expect(evaluations.length - 1 - best).toBe(4);
    expect(model.values()).toEqual(atStep.get(evaluations[best]?.step ?? -1));
  });
});

describe('a held-out loss that is not a number', () => {
  const ABSENT = 12;
  const unseen = makeBatches(countingExamples(8, { seed: 9 }), { batchSize: 8, padTokenId: 0 });
  const spoilt = [{ inputIds: [[ABSENT, 1]], labels: [[ABSENT, 1]] }];

  /** Trains for six steps with an evaluation after each, the ones at these steps on data whose loss is NaN. */
  async function evaluatedBadlyAt(steps: readonly number[], options: Parameters<typeof train>[2] = {}) {
    const one = new BigramModel({ vocabSize: 13 });
    const { loss } = one;
    one.loss = (ids, labels) =>
      tf.tidy(() =>
        loss
          .call(one, ids, labels)
          .add(tf.where(ids.equal(ABSENT).any(), Number.NaN, 0))
          .asScalar(),
      );
    let evaluations = 0;
    const heldOut = () => (steps.includes(evaluations++) ? spoilt : unseen);
    const evaluation = { batches: heldOut, everySteps: 1, keepBest: true, patience: 3, ...options.evaluation };
    const optimizer = new AdamW({ learningRate: 0.05 });
    const run = train(one, batches, { optimizer, steps: 6, compile: false, ...options, evaluation });
    const { history, evaluations: records } = await run.finally(() => optimizer.dispose());
    const { loss: left } = await evaluateLoss(one, unseen, { compile: false });
    one.dispose();
    return { made: history.length, losses: records.map((record) => record.loss), left };
  }

  test('counts as no gain, and later ones are compared with the lowest that is one', async () => {
    const { made, losses, left } = await evaluatedBadlyAt([2]);
    expect(made).toBe(6);
    expect(losses.map(Number.isNaN)).toEqual([false, false, true, false, false, false, false]);
    expect(losses[6]).toBeLessThan(losses[1] ?? 0);
    expect(left).toBe(losses[6]);
  });

  test('ends the run where it comes as often as patience says', async () => {
    const { made, losses, left } = await evaluatedBadlyAt([3, 4, 5]);
    expect(made).toBe(5);
    expect(left).toBe(losses[2]);
  });

  test('is one in a resumed run too', async () => {
    const directory = folder('nan');
    await evaluatedBadlyAt([1], { steps: 3, checkpoint: { directory } });
    const { losses, left } = await evaluatedBadlyAt([], { steps: 6, checkpoint: { directory } });
    expect(losses.map(Number.isNaN)).toEqual([false, true, false, false, false, false, false]);
    expect(left).toBe(losses[6]);
    expect(left).toBeLessThan(losses[3] ?? 0);
  });
});

test("an abort of the held-out data's own is an error, and not the end of the run", async () => {
  const cause = new AbortedError('the data was stopped');
  const evaluation = {
    batches: () => {
      throw cause;
    },
  };
  await expect(train(model, batches, { evaluation })).rejects.toBe(cause);
});

test('a learning rate that is none ends the run before its update, with nothing of it done', async () => {
  const optimizer = new AdamW({ learningRate: (step) => (step === 2 ? Number.NaN : 0.1) });
  const same = new AdamW({ learningRate: 0.1 });
  const twoSteps = await trained(batches, { steps: 2, optimizer: same });
  await expect(train(model, batches, { optimizer, stepsAtOnce: 4 })).rejects.toThrow(/a learning rate of NaN for update 3/);
  expect(model.values()).toEqual(twoSteps.values);
  expect(optimizer.step).toBe(2);
  optimizer.dispose();
  same.dispose();
});

describe('what is refused', () => {
  test.each([
    { steps: 0 },
    { epochs: 1.5 },
    { gradientAccumulation: 0 },
    { maxGradNorm: -1 },
    { stepsAtOnce: 0 },
    { compile: false, precision: 'bfloat16' as const },
  ])('%o', async (options) => {
    await expect(train(model, batches, options)).rejects.toThrow(ArgumentError);
  });

  test('no batches, or labels that are all -100', async () => {
    await expect(train(model, [], {})).rejects.toThrow(/no batch to train on/);
    const silent = makeBatches([{ inputIds: [1, 2], labels: [-100, -100] }], { batchSize: 1, padTokenId: 0 });
    await expect(train(model, silent, {})).rejects.toThrow(/batch 0 of epoch 0 has no label/);
  });

  test('a model with nothing to train', async () => {
    model.freeze();
    await expect(train(model, batches, {})).rejects.toThrow(StateError);
  });
});
