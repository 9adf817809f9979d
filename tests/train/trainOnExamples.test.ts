import { ArgumentError, trainOnExamples } from 'lowrank';
import { expect, test } from 'vitest';
import { BigramModel, countingExamples } from './bigramModel';

const train = countingExamples(8);
const options = { steps: 1, padTokenId: 0 };

test.each([
  [{ train, eval: train }, {}, "splits has no option 'eval'; did you mean 'validation'?"],
  [{ train, test: train }, {}, "splits has no option 'test'; did you mean 'validation'?"],
  [{ train }, { patience: 2 }, 'patience has no effect without validation examples'],
  [{ train, validation: [] }, { evaluateEvery: 1 }, 'evaluateEvery has no effect without validation examples'],
  [{ train }, { onEvaluation: () => undefined }, 'onEvaluation has no effect without validation examples'],
])('a run without the evaluations that were meant is refused: %j, %j', async (splits, further, message) => {
  const model = new BigramModel();
  await expect(trainOnExamples(model, splits, { ...options, ...further })).rejects.toRefuse(ArgumentError, message);
  model.dispose();
});

test('splits may have test data beside those for validation', async () => {
  const model = new BigramModel();
  const splits = { train, validation: train, test: train };
  expect((await trainOnExamples(model, splits, { ...options, patience: 2 })).evaluations).toHaveLength(2);
  model.dispose();
});
