import { ArgumentError, findLearningRate, makeBatches, methodDefaults } from 'lowrank';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noTensorLeft } from '../noTensorLeft';
import { BigramModel, countingExamples } from './bigramModel';

const batches = makeBatches(countingExamples(24), { batchSize: 4, padTokenId: 0, seed: 1 });
let model: BigramModel;
noTensorLeft();
beforeEach(() => {
  model = new BigramModel();
});
afterEach(() => model.dispose());

test('the rate rises step by step, and every weight is put back', async () => {
  const start = model.values();
  const { curve, suggestion } = await findLearningRate(model, batches, { lowest: 1e-4, highest: 10, steps: 40 });
  expect(model.values()).toEqual(start);
  expect(curve[0]?.learningRate).toBeCloseTo(1e-4, 10);
  for (const [i, { learningRate }] of curve.entries()) {
    if (i > 0) expect(learningRate / (curve[i - 1]?.learningRate ?? 0)).toBeCloseTo(1e5 ** (1 / 39), 6);
  }
  const lowest = curve.reduce((a, b) => (b.loss < a.loss ? b : a));
  expect(lowest.loss).toBeLessThan((curve[0]?.loss ?? 0) - 0.2);
  expect(suggestion).toBeCloseTo(lowest.learningRate / 10, 12);
});

test('it ends when the loss diverges', async () => {
  const { curve } = await findLearningRate(model, batches, { lowest: 1, highest: 1e6, steps: 100 });
  expect(curve.length).toBeLessThan(100);
});

test('a range that is none, and a signal', async () => {
  await expect(findLearningRate(model, batches, { lowest: 1, highest: 1 })).rejects.toThrow(ArgumentError);
  await expect(findLearningRate(model, batches, { signal: AbortSignal.abort() })).rejects.toThrow(/stopped/);
});

test('the defaults are those of the methods, and the rate of LoRA falls with the width of the model', () => {
  expect(methodDefaults({ peftType: 'LORA' })).toMatchObject({ learningRate: 3e-4, weightDecay: 0.01 });
  expect(methodDefaults({ peftType: 'LORA' }, { hiddenSize: 576 }).learningRate).toBeCloseTo(2.133e-3, 6);
  expect(methodDefaults({ peftType: 'ADAPTION_PROMPT' })).toMatchObject({ learningRate: 9e-3, betas: [0.9, 0.95], weightDecay: 0.02 });
});
