import { AdamW, type Batch, LlamaForCausalLM, type OptimizerState, tf, train } from 'lowrank';
import { expect, test } from 'vitest';
import { definedFunctions, runsAndSends } from '../../runtime/compile/bindingSpies';
import { BigramModel, countingExamples } from '../bigramModel';
import { smallModel } from '../smallRun';

const sizes = { vocabSize: 20, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 2, numAttentionHeads: 2 };

test('rows of one width, with any number of labels, take three compiled steps and three evaluations', async () => {
  const before = tf.memory().numTensors;
  const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 });
  const inputIds = Array.from({ length: 4 }, (_, r) => Array.from({ length: 64 }, (__, t) => (r + 3 * t) % 20));
  const batches: Batch[] = Array.from({ length: 30 }, (_, i) => ({
    inputIds,
    labels: inputIds.map((row) => row.map((id, t) => (t < 62 - 2 * i ? -100 : id))),
  }));
  const names = await definedFunctions(() => train(model, batches, { evaluation: { batches } }));
  for (const name of ['training_step', 'evaluation']) {
    expect(names.filter((each) => each === name).length).toBe(3); // 64 positions, 128, and all of the 256
  }
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('what the updates of a group take is sent before the first of them is made', async () => {
  const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 });
  const row = Array.from({ length: 64 }, (_, t) => (3 * t) % 20);
  const batch = { inputIds: [row, row], labels: [row, row] };
  const options = { optimizer: new AdamW({ learningRate: 0.1 }), stepsAtOnce: 3 };
  await train(model, [batch], { ...options, steps: 3 }); // compiles
  const done = await runsAndSends(() => train(model, [batch, batch], { ...options, steps: 6, gradientAccumulation: 2 }));
  const sends = done.flatMap((each, at) => (each === 'send 128' ? [at] : []));
  expect(sends.length).toBe(6 * 2 * 2); // ids and labels of two batches
  for (const group of [sends.slice(0, 12), sends.slice(12)]) {
    expect(done.slice(group[0], group.at(-1))).not.toContain('run');
  }
  options.optimizer.dispose();
  model.dispose();
});

test('what is trained may change between two updates', async () => {
  const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 }).freeze();
  const weights = model.model.layers.map(({ inputLayernorm }) => inputLayernorm.weight);
  const [first, second] = weights as [tf.Variable, tf.Variable];
  first.trainable = true;
  const values = () => weights.map((weight) => weight.dataSync().join());
  const history = [values()];
  const row = Array.from({ length: 8 }, (_, t) => (3 * t) % 20);
  const onStep = ({ step }: { step: number }) => {
    history.push(values());
    if (step === 2) [first.trainable, second.trainable] = [false, true];
  };
  await train(model, [{ inputIds: [row], labels: [row] }], { steps: 4, onStep });
  const moved = history.slice(1).map((now, step) => now.map((value, i) => value !== history[step]?.[i]));
  expect(moved).toEqual([
    [true, false],
    [true, false],
    [false, true],
    [false, true],
  ]);
  model.dispose();
});

test.each([
  { compile: true, backTo: 0 },
  { compile: true, backTo: 1 },
  { compile: false, backTo: 1 },
])('weights and optimizer may be taken back between two updates, %o', async ({ compile, backTo }) => {
  const before = tf.memory().numTensors;
  const model = new BigramModel();
  const optimizer = new AdamW({ learningRate: 0.1 });
  const weights = () => Array.from(model.trainableParameters(), ([, variable]) => [variable, variable.clone()] as const);
  const states: { weights: ReturnType<typeof weights>; optimizer: OptimizerState }[] = [];
  const remember = () => void states.push({ weights: weights(), optimizer: optimizer.state() });
  remember();
  const onStep = ({ step }: { step: number }) => {
    remember();
    const state = states[backTo];
    if (step !== 3 || !state) return;
    optimizer.restore(state.optimizer);
    for (const [variable, value] of state.weights) variable.assign(value);
  };
  const batches = countingExamples(1).map(({ inputIds, labels }) => ({ inputIds: [inputIds], labels: [labels] }));
  const { history } = await train(model, batches, { optimizer, steps: 6, compile, onStep });
  const losses = history.map(({ loss }) => loss);
  expect(losses.slice(3, 6 - backTo)).toEqual(losses.slice(backTo, 3));
  expect(new Set(losses.slice(0, 3)).size).toBe(3);
  expect(optimizer.step).toBe(backTo + 3);
  for (const state of states) tf.dispose([state.weights.map(([, value]) => value), state.optimizer.tensors]);
  optimizer.dispose();
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('an update whose learning rate is none has drawn no dropout mask', async () => {
  const model = smallModel('lora');
  const optimizer = new AdamW({ learningRate: (step) => (step === 1 ? Number.NaN : 0.1) });
  const row = Array.from({ length: 8 }, (_, t) => (3 * t) % 20);
  const batches: Batch[] = Array.from({ length: 6 }, () => ({ inputIds: [row], labels: [row] }));
  await expect(train(model, batches, { optimizer, gradientAccumulation: 2 })).rejects.toThrow('a learning rate of NaN for update 2');
  expect([optimizer.step, model.dropoutStep]).toEqual([1, 2]);
  optimizer.dispose();
  model.dispose();
});
