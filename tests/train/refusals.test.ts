import { ArgumentError, evaluateLoss, getPeftModel, LoraConfig, PeftModel, StateError, TrainingAbortedError, tf, train } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { noTensorLeft } from '../noTensorLeft';
import { BigramModel, countingExamples } from './bigramModel';
import { smallModel, smallRun } from './smallRun';

const folder = temporaryFolder();
const batches = countingExamples(8).map(({ inputIds, labels }) => ({ inputIds: [inputIds], labels: [labels] }));
noTensorLeft();

describe.each([true, false])('with compile: %s', (compile) => {
  test('merged adapters are refused before anything runs, and train after unmergeAdapter()', async () => {
    const model = smallModel('lora');
    model.mergeAdapter();
    await expect(train(model, batches, { compile })).rejects.toRefuse(StateError, /default is merged into the weights.*unmergeAdapter\(\)/);
    model.unmergeAdapter();
    expect((await train(model, batches, { compile, steps: 1 })).history).toHaveLength(1);
    model.dispose();
  });

  test('adapters that are merged during the run end it there', async () => {
    const model = smallModel('lora');
    const made: number[] = [];
    const onStep = ({ step }: { step: number }) => {
      made.push(step);
      if (step === 2) model.mergeAdapter();
    };
    await expect(train(model, batches, { compile, onStep })).rejects.toThrow(/is merged into the weights/);
    expect(made).toEqual([1, 2]);
    model.dispose();
  });

  test('a loss that depends on no trained parameter is refused at the first update, with every weight as it was', async () => {
    const model = new BigramModel();
    const { loss } = model;
    const start = model.values();
    const constant = new BigramModel({ seed: 1 });
    model.loss = (ids, labels) => loss.call(constant, ids, labels);
    await expect(train(model, batches, { compile })).rejects.toRefuse(StateError, /no trained parameter got a gradient/);
    expect(model.values()).toEqual(start);
    model.dispose();
    constant.dispose();
  });

  test('gradients that are all zero are refused at the first update, and taken later', async () => {
    const model = new BigramModel();
    const { loss } = model;
    const factor = tf.tidy(() => tf.variable(tf.scalar(0), false));
    model.loss = (ids, labels) => tf.tidy(() => loss.call(model, ids, labels).mul(factor).add(1).asScalar());
    await expect(train(model, batches, { compile })).rejects.toThrow(/no trained parameter got a gradient/);
    tf.tidy(() => factor.assign(tf.scalar(1)));
    const onStep = () => void tf.tidy(() => factor.assign(tf.scalar(0)));
    const { history } = await train(model, batches, { compile, steps: 3, onStep });
    expect(history.map(({ gradNorm }) => gradNorm > 0)).toEqual([true, false, false]);
    factor.dispose();
    model.dispose();
  });
});

test('an adapter that was loaded frozen is refused with the option that it lacks', async () => {
  const saved = smallModel('lora');
  saved.savePretrained(folder('adapter'));
  const loaded = await PeftModel.fromPretrained(saved.unload(), folder('adapter'));
  await expect(train(loaded, batches)).rejects.toThrow(/its adapter default is frozen;.*\{ isTrainable: true \}/);
  loaded.dispose();
});

describe('one model', () => {
  test('is not trained twice at once, and the first run ends as it would have', async () => {
    const [alone, both] = [smallModel('lora'), smallModel('lora')];
    await smallRun(alone, { steps: 3 });
    const first = smallRun(both, { steps: 3 });
    await expect(smallRun(both)).rejects.toThrow(/is being trained already/);
    await first;
    const values = [alone, both].map((model) => [...model.trainableParameters().values()].map((each) => [...each.dataSync()]));
    expect(values[1]).toEqual(values[0]);
    alone.dispose();
    both.dispose();
  });

  test('is not trained inside of its own onStep', async () => {
    const model = new BigramModel();
    const onStep = () => train(model, batches).then(() => undefined);
    await expect(train(model, batches, { onStep })).rejects.toThrow(StateError);
    expect((await train(model, batches, { steps: 1 })).history).toHaveLength(1); // the place is free again
    model.dispose();
  });

  test('is not trained through a second model that shares its parameters', async () => {
    const model = new BigramModel();
    const view = { loss: model.loss.bind(model), trainableParameters: () => [['head', model.head.weight] as [string, tf.Variable]] };
    const first = train(model, batches);
    await expect(train(view, batches)).rejects.toThrow(/shares its parameters/);
    await first;
    model.dispose();
  });

  test('two models that share nothing are trained side by side', async () => {
    const models = [new BigramModel(), new BigramModel()] as const;
    await Promise.all(models.map((model) => train(model, batches)));
    expect(models[1].values()).toEqual(models[0].values());
    for (const model of models) model.dispose();
  });
});

test('evaluations and texts made beside a training are without dropout, and leave its masks as they were', async () => {
  const [alone, watched] = [smallModel('lora'), smallModel('lora')];
  const few = { compile: false, steps: 3 };
  await smallRun(alone, few);
  const held = { inputIds: [[1, 2, 3, 4]], labels: [[1, 2, 3, 4]] };
  const onStep = async () => {
    const losses = await Promise.all([evaluateLoss(watched, [held, held]), evaluateLoss(watched, [held], { compile: false })]);
    expect(losses[0].loss).toBeCloseTo(losses[1].loss, 5);
    expect(await watched.generate([[1, 2]], { maxNewTokens: 2, eosTokenId: [] })).toHaveLength(1);
    void evaluateLoss(watched, [held, held, held]); // goes on while the next steps are made
  };
  await smallRun(watched, { ...few, onStep });
  const values = [alone, watched].map((model) => [...model.trainableParameters().values()].map((each) => [...each.dataSync()]));
  expect(values[1]).toEqual(values[0]);
  await evaluateLoss(watched, [held, held, held, held, held]); // the last of those above has ended too
  alone.dispose();
  watched.dispose();
});

test('what a callback does ends with the run when both are interrupted', async () => {
  const model = smallModel('lora');
  const stop = new AbortController();
  const onStep = async () => {
    stop.abort();
    await model.generate([[1]], { signal: stop.signal });
  };
  await expect(smallRun(model, { signal: stop.signal, onStep })).rejects.toThrow(TrainingAbortedError);
  model.dispose();
});

test('a LoRA adapter whose B is zero has gradients, and is trained', async () => {
  const model = getPeftModel(smallModel('prefix').unload(), new LoraConfig({ r: 2 }));
  const { history } = await train(model, batches, { steps: 1 });
  expect(history[0]?.gradNorm).toBeGreaterThan(0);
  model.dispose();
});

test.each([
  [[null], /batch 0 of epoch 0 has no rows of inputIds/],
  [[batches[0], { inputIds: [[1, 2]] }], /batch 1 of epoch 0 has no rows of labels: give lists of ids and lists of labels/],
])('what is no batch is refused by its place: %j', async (given, message) => {
  const model = smallModel('lora');
  const run = train(model, given as never, { steps: 3 });
  await expect(run).rejects.toRefuse(ArgumentError, message);
  model.dispose();
});

test('what is no optimizer is refused before anything runs', async () => {
  const model = smallModel('lora');
  await expect(train(model, batches, { optimizer: { learningRate: 1 } as never })).rejects.toThrow(/optimizer is not an AdamW/);
  model.dispose();
});
