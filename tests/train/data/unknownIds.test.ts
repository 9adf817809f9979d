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

const ids = [[1, 2, 3]];
const WRONG: Record<string, [object, RegExp]> = {
  'a mask of other values': [{ attentionMask: [[1, 2, 1]] }, /attentionMask is 2 at row 0, position 1/],
  'a mask of no number': [{ attentionMask: [[1, Number.NaN, 1]] }, /attentionMask is NaN/],
  'a mask that hides a row': [{ attentionMask: [[0, 0, 0]] }, /hides every token of row 0/],
  'segments that are no whole numbers': [{ segmentIds: [[1, 1.5, 2]] }, /segment 1.5 at row 0, position 1/],
  'a segment in two parts': [{ segmentIds: [[1, 2, 1]] }, /segment 1 begins again/],
  "a mask by PyTorch's name": [{ attention_mask: ids }, /batch 0 .*has no option 'attention_mask'; did you mean 'attentionMask'/],
};

test.each(Object.entries(WRONG))(
  '%s is refused in training and in evaluation, whatever the model would do with it',
  async (_, [part, text]) => {
    const batch = { inputIds: ids, labels: ids, ...part };
    for (const compile of [true, false]) {
      const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
      await expect(train(peft, [batch], { steps: 1, compile })).rejects.toRefuse(ArgumentError, text);
      await expect(evaluateLoss(peft, [batch], { compile })).rejects.toRefuse(ArgumentError, text);
    }
  },
);

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
