import { AdaptionPromptConfig, ArgumentError, getPeftModel, LoraConfig, type PeftConfig, TrainingAbortedError } from 'lowrank';
import { drawExamples, type FineTuneOptions, type FineTuneResult, fineTune, type ReviewExample } from 'lowrank-review';
import { afterAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { noTensorLeft } from '../noTensorLeft';
import { letterModel, letterTokenizer } from './letterModel';

const folder = temporaryFolder();
const base = letterModel();
afterAll(() => base.dispose());
noTensorLeft();

const methods = {
  lora: new LoraConfig({ r: 2, targetModules: ['q_proj'] }),
  prefix: new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 }),
};
const train: ReviewExample[] = ['+let a = 1;', '+let b;', '-let c = a + b;'].map((patch, i) => ({
  id: `${i}`,
  source: 'lint',
  language: 'javascript',
  patch,
  code: patch,
  comment: 'Why?',
  needsReview: true,
}));

async function tuned(config: PeftConfig, options: Omit<FineTuneOptions, 'batchSize'>): Promise<FineTuneResult> {
  const model = getPeftModel(base, config, { seed: 1 });
  try {
    return await fineTune(model, letterTokenizer, 'comment', { train }, { batchSize: 1, ...options });
  } finally {
    model.unload();
  }
}

const ratesOf = ({ history }: FineTuneResult) => history.map(({ learningRate }) => learningRate);

describe('the learning rate', () => {
  test.each([
    { method: 'lora', steps: 1, shares: [1] },
    { method: 'lora', steps: 3, shares: [1, 3 / 4, 1 / 4] }, // a tenth of three updates is none
    { method: 'lora', steps: 5, shares: [1 / 2, 1, (1 + Math.SQRT1_2) / 2, 1 / 2, (1 - Math.SQRT1_2) / 2] },
    { method: 'prefix', steps: 5, shares: [1 / 3, 2 / 3, 1, 3 / 4, 1 / 4] },
  ] as const)('is 0 for none of $steps updates of $method, and highest after the warm-up: $shares', async ({ method, steps, shares }) => {
    const rates = ratesOf(await tuned(methods[method], { steps, learningRate: 0.02 }));
    expect(rates.length).toBe(steps);
    for (const [i, share] of shares.entries()) expect(rates[i]).toBeCloseTo(0.02 * share, 12);
  });

  test('is the same in a run that was stopped and resumed', async () => {
    const options = { steps: 5, checkpoint: { directory: folder('resumed') } };
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }) => void (step === 2 && stop.abort());
    await expect(tuned(methods.lora, { ...options, onStep, signal: stop.signal })).rejects.toThrow(TrainingAbortedError);
    expect(ratesOf(await tuned(methods.lora, options))).toEqual(ratesOf(await tuned(methods.lora, { steps: 5 })));
  });
});

test.each([0, 2.5, Number.NaN])('%s updates are refused', async (steps) => {
  await expect(tuned(methods.lora, { steps })).rejects.toRefuse(ArgumentError, `steps ${steps} is not a whole number from 1 up`);
});

test('a sample is of so many examples, or of all', () => {
  expect(drawExamples('comment', train, Number.POSITIVE_INFINITY)).toHaveLength(train.length);
  for (const count of [-1, 1.5, Number.NaN]) {
    expect(() => drawExamples('comment', train, count)).toRefuse(ArgumentError, `count ${count} is not a whole number from 0 up`);
  }
});

test('without an example of the task there is nothing to learn', async () => {
  const model = getPeftModel(base, methods.lora);
  await expect(fineTune(model, letterTokenizer, 'refinement', { train }, { steps: 1 })).rejects.toThrow(
    'none of 3 examples belongs to the refinement task and fits 512 tokens',
  );
  expect(drawExamples('refinement', train, 3)).toEqual([]);
  model.unload();
});

test('validation examples of which none fits are refused, and not left out in silence', async () => {
  const model = getPeftModel(base, methods.lora);
  const validation = train.map((example) => ({ ...example, comment: 'Why? '.repeat(200) }));
  await expect(fineTune(model, letterTokenizer, 'comment', { train, validation }, { steps: 1 })).rejects.toRefuse(
    ArgumentError,
    'none of 3 validation examples belongs to the comment task and fits 512 tokens',
  );
  model.unload();
});
