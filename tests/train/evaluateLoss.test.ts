import { AbortedError, ArgumentError, evaluateLoss, makeBatches, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { BigramModel, countingExamples } from './bigramModel';

const examples = countingExamples(10).map((example, i) => ({ ...example, labels: example.labels.map((id, t) => (t > i ? -100 : id)) }));
const batchesOf = (batchSize: number) => makeBatches(examples, { batchSize, padTokenId: 0 });

test('every token counts the same, however the examples are batched', async () => {
  const model = new BigramModel();
  const [whole, parts] = [await evaluateLoss(model, batchesOf(10)), await evaluateLoss(model, batchesOf(3))];
  expect(parts.loss).toBeCloseTo(whole.loss, 5);
  expect(parts.tokens).toBe(whole.tokens);
  expect(whole.perplexity).toBeCloseTo(Math.exp(whole.loss), 10);
  model.dispose();
});

test('it keeps no tensor and moves no weight', async () => {
  const model = new BigramModel();
  const [live, values] = [tf.memory().numTensors, model.values()];
  await evaluateLoss(model, batchesOf(2));
  expect(tf.memory().numTensors).toBe(live);
  expect(model.values()).toEqual(values);
  model.dispose();
});

test('batches without a label are refused, and a signal ends it', async () => {
  const model = new BigramModel();
  await expect(evaluateLoss(model, [])).rejects.toThrow(ArgumentError);
  await expect(evaluateLoss(model, batchesOf(2), { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  model.dispose();
});
