import { ArgumentError, getPeftModel, LoraConfig, StateError, tf } from 'lowrank';
import {
  bestThreshold,
  bleu4,
  type Prediction,
  predictReviews,
  type ReviewExample,
  type ReviewerModel,
  reviewPrompt,
  scoreReviews,
  scoreReviewsByLanguage,
  yesProbability,
} from 'lowrank-review';
import { afterAll, describe, expect, test } from 'vitest';
import { letterModel, letterTokenizer } from './letterModel';

const model = letterModel();
afterAll(() => model.dispose());

const example = (id: string, patch: string, rest: Partial<ReviewExample> = {}): ReviewExample => ({
  id,
  source: 'lint',
  language: 'javascript',
  patch,
  code: patch,
  comment: 'Why?',
  refinedCode: 'let a;',
  needsReview: true,
  ...rest,
});
const examples = ['+a', '+let some = thing;\n+let more;', '+b'].map((patch, i) => example(`${i}`, patch));

describe('yesProbability', () => {
  const prompts = examples.map((each) => reviewPrompt('necessity', each));

  test('compares the first tokens of yes and no after the prompt', async () => {
    const [first] = await yesProbability(model, letterTokenizer, prompts);
    const logits = tf.tidy(() => model.forward([letterTokenizer.encode(prompts[0]?.prompt ?? '')], { logitsToKeep: 1 }).dataSync());
    const [yes = 0, no = 0] = ['y', 'n'].map((letter) => Math.exp(logits[letter.charCodeAt(0)] ?? 0));
    expect(first).toBeCloseTo(yes / (yes + no), 5);
    expect(first).not.toBeCloseTo(0.5, 2);
  });

  test('gives a prompt the same alone, among longer ones, and in batches of any size', async () => {
    const together = await yesProbability(model, letterTokenizer, prompts, { batchSize: 8 });
    for (const [i, prompt] of prompts.entries()) {
      const [alone = 0] = await yesProbability(model, letterTokenizer, [prompt]);
      expect(together[i]).toBeCloseTo(alone, 5);
    }
    const pairs = await yesProbability(model, letterTokenizer, prompts, { batchSize: 2 });
    for (const [i, probability] of pairs.entries()) expect(probability).toBeCloseTo(together[i] ?? 0, 5);
  });

  test('reads what all prompts begin with once, and then only what is their own', async () => {
    const ids = prompts.map(({ prompt }) => letterTokenizer.encode(prompt));
    const differs = ids[0]?.findIndex((id, i) => ids.some((row) => row[i] !== id)) ?? 0;
    const widths: number[] = [];
    const watched: ReviewerModel = {
      config: model.config,
      generate: () => Promise.resolve([]),
      namedParameters: () => model.namedParameters(),
      forward: (rows, options) => {
        if (Array.isArray(rows)) widths.push(rows[0].length);
        return model.forward(rows, options);
      },
    };
    await yesProbability(watched, letterTokenizer, prompts, { batchSize: 1 });
    expect(differs).toBeGreaterThan(16);
    expect(widths).toEqual([differs, ...ids.map(({ length }) => length - differs).sort((a, b) => b - a)]);
  });

  test('leaves no tensor behind, and takes no prompts', async () => {
    const before = tf.memory().numTensors;
    await yesProbability(model, letterTokenizer, prompts);
    expect(tf.memory().numTensors).toBe(before);
    expect(await yesProbability(model, letterTokenizer, [])).toEqual([]);
  });

  test('refuses answers that cannot be told apart, and stops by its signal', async () => {
    const same = { ...letterTokenizer, encode: () => [5] };
    await expect(yesProbability(model, same, prompts)).rejects.toThrow(ArgumentError);
    await expect(yesProbability(model, letterTokenizer, prompts, { signal: AbortSignal.abort() })).rejects.toThrow(/stopped/);
  });
});

test.each(['necessity', 'comment'] as const)(
  '%s is answered by the adapters of the call, which cannot be changed meanwhile',
  async (task) => {
    const config = new LoraConfig({ r: 2, initLoraWeights: false, loraAlpha: 64 });
    const peft = getPeftModel(letterModel(), config, { adapterName: 'one' });
    peft.addAdapter('two', config, { seed: 1 });
    const answers = (onProgress: () => void = () => undefined) =>
      predictReviews(peft, letterTokenizer, task, examples, { batchSize: 1, maxNewTokens: 8, onProgress });
    const alone = await answers();
    const call = task === 'necessity' ? 'yesProbability()' : 'predictReviews()';
    const meanwhile = () => {
      peft.setAdapter('two');
      expect(() => peft.mergeAdapter()).toRefuse(StateError, `${call} is still running; await it before merging`);
    };
    expect(await answers(meanwhile)).toEqual(alone);
    expect(peft.activeAdapters).toEqual(['two']);
    expect(await answers()).not.toEqual(alone);
    peft.dispose();
  },
);

describe('predictReviews', () => {
  test('answers necessity by the threshold', async () => {
    const done: number[] = [];
    const onProgress = (count: number) => done.push(count);
    const predictions = await predictReviews(model, letterTokenizer, 'necessity', examples, { batchSize: 2, onProgress });
    expect(done).toEqual([2, 3]);
    const threshold = predictions[1]?.probability ?? 0;
    for (const { text, probability = 0 } of predictions) expect(text).toBe(probability >= 0.5 ? 'yes' : 'no');
    const again = await predictReviews(model, letterTokenizer, 'necessity', examples, { batchSize: 2, threshold }); // to the last bit
    expect(again[1]?.text).toBe('yes');
    expect(predictions.map((each) => each.example)).toEqual(examples);
  });

  test('writes what the model writes after the prompt, in the order of the examples', async () => {
    const done: number[] = [];
    const options = { maxNewTokens: 6, batchSize: 2, onProgress: (count: number) => done.push(count) };
    const predictions = await predictReviews(model, letterTokenizer, 'comment', examples, options);
    expect(done).toEqual([2, 3]);
    for (const [i, { text }] of predictions.entries()) {
      const { prompt } = reviewPrompt('comment', examples[i] ?? example('', ''));
      const [ids = []] = await model.generate([letterTokenizer.encode(prompt)], { maxNewTokens: 6 });
      expect(text).toBe(letterTokenizer.decode(ids.filter((id) => id !== 127)).trimEnd());
    }
  });

  test('takes the best of several beams', async () => {
    const options = { maxNewTokens: 4, generation: { numBeams: 3, numReturnSequences: 2 } };
    const [first] = await predictReviews(model, letterTokenizer, 'refinement', examples, options);
    const { prompt } = reviewPrompt('refinement', examples[0] ?? example('', ''));
    const [best = []] = await model.generate([letterTokenizer.encode(prompt)], { maxNewTokens: 4, numBeams: 3 });
    expect(first?.text).toBe(letterTokenizer.decode(best.filter((id) => id !== 127)).trimEnd());
  });

  test('cuts code that is too long, as training does', async () => {
    const long = example('long', `+${'x'.repeat(3000)}`);
    expect((await predictReviews(model, letterTokenizer, 'comment', [long], { maxNewTokens: 3 })).length).toBe(1);
    await expect(predictReviews(model, letterTokenizer, 'comment', [long], { maxLength: 50 })).rejects.toThrow(/raise maxLength/);
    await expect(predictReviews(model, letterTokenizer, 'necessity', examples, { threshold: 2 })).rejects.toThrow(ArgumentError);
  });
});

describe('scoreReviews', () => {
  const answered = (text: string, rest: Partial<ReviewExample>, probability?: number): Prediction => ({
    example: example(text, '+a', rest),
    text,
    probability,
  });

  test('scores necessity from 0 to 100', () => {
    const predictions = [
      answered('yes', { needsReview: true }),
      answered('yes', { needsReview: false }),
      answered('no', { needsReview: true }),
    ];
    const values = Object.fromEntries(scoreReviews('necessity', predictions).map(({ metric, value }) => [metric, value]));
    expect(values).toEqual({ f1: 50, precision: 50, recall: 50, accuracy: expect.closeTo(100 / 3, 10) });
  });

  test('scores comments with and without stop words, and gives an interval around', () => {
    const pairs = [
      ['Why is this needed?', 'Why do we need this change?'],
      ['Please fix', 'Please fix'],
      ['x', 'Please fix'],
    ] as const;
    const scores = scoreReviews(
      'comment',
      pairs.map(([text, comment]) => answered(text, { comment })),
    );
    const [kept, removed] = scores;
    const [texts, references] = [pairs.map(([text]) => text), pairs.map(([, comment]) => comment)];
    expect(kept).toMatchObject({ metric: 'bleu4', value: expect.closeTo(bleu4(texts, references), 2), examples: 3 });
    expect(removed?.value).toBeCloseTo(bleu4(texts, references, { removeStopWords: true }), 2);
    expect(kept?.low).toBeLessThan(kept?.value ?? 0);
    expect(kept?.high).toBeGreaterThan(kept?.value ?? 0);
  });

  test('scores refined code by BLEU and exact match', () => {
    const scores = scoreReviews('refinement', [
      answered('let  a;', { refinedCode: 'let a;' }),
      answered('var b;', { refinedCode: 'let b;' }),
    ]);
    expect(scores.map(({ metric, value }) => [metric, Math.round(value)])).toEqual([
      ['bleu4', Math.round((100 + bleu4(['var b;'], ['let b;'])) / 2)],
      ['exactMatch', 50],
    ]);
  });

  test('scores each language on its own, the most frequent first', () => {
    const rows = scoreReviewsByLanguage('refinement', [
      answered('a', { refinedCode: 'a', language: 'go' }),
      answered('b', { refinedCode: 'x', language: 'java' }),
      answered('c', { refinedCode: 'c', language: 'java' }),
      answered('d', { refinedCode: 'x', language: '' }),
    ]).filter(({ metric }) => metric === 'exactMatch');
    expect(rows.map(({ language, value, examples: count }) => [language, value, count])).toEqual([
      ['java', 50, 2],
      ['go', 100, 1],
      ['other', 0, 1],
    ]);
  });

  test('finds the threshold with the best F1', () => {
    const ps = [0.9, 0.6, 0.3, 0.1];
    const labels = [true, true, true, false];
    const predictions = ps.map((p, i) => answered('no', { needsReview: labels[i] }, p));
    expect(bestThreshold(predictions)).toEqual({ threshold: 0.3, f1: 100 });
  });

  test.each([
    ['necessity', 'needsReview'],
    ['comment', 'comment'],
    ['refinement', 'refinedCode'],
  ] as const)('refuses an example without the answer of %s', (task, field) => {
    const predictions = [
      answered('a', {}, 0.5),
      answered('b', { needsReview: undefined, comment: undefined, refinedCode: undefined }, 0.5),
    ];
    const refusal = new ArgumentError(`example b has no ${field} to score its answer by; leave it out`);
    expect(() => scoreReviews(task, predictions)).toThrow(refusal);
    if (task === 'necessity') expect(() => bestThreshold(predictions)).toThrow(refusal);
  });

  test('refuses nothing at all', () => {
    expect(() => scoreReviews('comment', [])).toThrow(ArgumentError);
  });
});
