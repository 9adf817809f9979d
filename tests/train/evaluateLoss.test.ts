import { AbortedError, ArgumentError, type Cluster, evaluateLoss, makeBatches, StateError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { modelFacts } from '../../lib/lowrank/src/train/cluster/join/runFacts';
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

test('batches without a label and a precision without effect are refused, and a signal ends it', async () => {
  const model = new BigramModel();
  await expect(evaluateLoss(model, [])).rejects.toThrow(ArgumentError);
  const float16 = evaluateLoss(model, batchesOf(2), { precision: 'float16' as 'float32' });
  await expect(float16).rejects.toRefuse(ArgumentError, 'precision "float16" is none of "float32", "bfloat16"');
  const idle = evaluateLoss(model, batchesOf(2), { precision: 'bfloat16', compile: false });
  await expect(idle).rejects.toRefuse(ArgumentError, "precision 'bfloat16' is for compiled products: leave compile on");
  await expect(evaluateLoss(model, batchesOf(2), { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  model.dispose();
});

test('a worker with another model, or another precision, is refused before it evaluates', async () => {
  const [model, other] = [new BigramModel(), new BigramModel({ seed: 1 })];
  const besides = (first: BigramModel, precision: string) => {
    const told = [JSON.stringify({ ...modelFacts(first), options: JSON.stringify({ compile: true, precision }) })];
    return evaluateLoss(model, batchesOf(2), { cluster: secondWorker(told) });
  };
  await expect(besides(other, 'float32')).rejects.toRefuse(StateError, /^worker 1 has another model \(\w+, not \w+\) than worker 0/);
  await expect(besides(model, 'bfloat16')).rejects.toRefuse(
    StateError,
    'worker 1 has another options ({"compile":true,"precision":"float32"}',
  );
  const plain = (own: BigramModel) => modelFacts({ trainableParameters: () => own.trainableParameters() });
  expect(plain(model)).not.toEqual(plain(other)); // a model of one's own may list no other parameters
  model.dispose();
  other.dispose();
});

/** Worker 1 of two, whose worker 0 says this, and then what it heard of worker 1. */
function secondWorker(told: string[]): Cluster {
  let heard = '';
  return {
    isTogether: false,
    nameOf: () => 'worker 1',
    together: (work: () => unknown) => work(),
    fromFirst: async () => told.shift() ?? `worker 1 has ${heard}`,
    toFirst: async (text: string) => {
      heard = text;
      return [];
    },
    thrownByAll: (error: Error) => error,
  } as unknown as Cluster;
}
