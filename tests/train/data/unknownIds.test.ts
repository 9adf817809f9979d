import { ArgumentError, evaluateLoss, getPeftModel, LoraConfig, padBatch, train } from 'lowrank';
import { expect, test } from 'vitest';
import { tinyModel } from '../../peft/tinyModel';

const examples = [
  { inputIds: [1, 3], labels: [-100, 3] },
  { inputIds: [1, 3, 4, 5], labels: [-100, 3, 4, 5] },
];
const BATCHES = {
  padding: padBatch(examples, { padTokenId: 40 }),
  'a token': { inputIds: [[1, 99, 3]], labels: [[1, 3, 3]] },
  'a label': { inputIds: [[1, 2, 3]], labels: [[1, 99, 3]] },
  'a negative id': { inputIds: [[1, -1, 3]], labels: [[1, 2, 3]] },
};

test.each(Object.entries(BATCHES))('%s beyond the vocabulary is named before anything is computed', async (_, batch) => {
  for (const compile of [true, false]) {
    const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
    for (const run of [() => train(peft, [batch], { steps: 1, compile }), () => evaluateLoss(peft, [batch], { compile })]) {
      const error = await run().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(ArgumentError);
      expect(String(error)).toMatch(/(token id|label) (40|99|-1) at row \d, position \d/);
    }
  }
});
