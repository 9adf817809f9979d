import { readFileSync } from 'node:fs';
import { ArgumentError, getPeftModel, LlamaForCausalLM, LoraConfig, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { fill, tinyModel } from '../../peft/tinyModel';

const golden = JSON.parse(readFileSync(new URL('../../golden/beams.json', import.meta.url), 'utf8'));

describe('beam search on the model that transformers was given', () => {
  const model = tinyModel();
  for (const { newIds, ...named } of golden.cases) {
    test(`writes the same texts with ${JSON.stringify(named)}`, async () => {
      const options = {
        numBeams: named.num_beams,
        lengthPenalty: named.length_penalty,
        earlyStopping: named.early_stopping,
        numReturnSequences: named.num_return_sequences,
        eosTokenId: named.eos_token_id,
        compile: named.num_beams === 10, // both ways of computing meet the goldens
      };
      expect(await model.generate(golden.prompts, { ...options, maxNewTokens: 9 })).toEqual(newIds);
    });
  }

  test('gives each row what it gets alone', async () => {
    const options = { numBeams: 4, maxNewTokens: 8, eosTokenId: [31], lengthPenalty: 0.6 };
    const together = await model.generate(golden.prompts, options);
    const alone = [];
    for (const prompt of golden.prompts) alone.push(...(await model.generate([prompt], options)));
    expect(together).toEqual(alone);
  });
});

describe('against an exhaustive search', () => {
  const vocabSize = 4;
  const model = LlamaForCausalLM.fromConfig(
    { vocabSize, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, initializerRange: 1 },
    { seed: 5 },
  );
  const prompt = [1, 3, 2];
  const length = 4;

  /** Every text that can follow, ended by the stop token or by the length, with the sum of its log-probabilities. */
  function allTexts(stopId: number, prompt: number[]): { ids: number[]; score: number }[] {
    const ended: { ids: number[]; score: number }[] = [];
    let open = [{ ids: [] as number[], score: 0 }];
    for (let at = 0; at < length; at++) {
      const rows = open.map(({ ids }) => [...prompt, ...ids]);
      const next = tf.tidy(() => tf.logSoftmax(model.forward(rows, { logitsToKeep: 1 })).dataSync());
      const longer = open.flatMap(({ ids, score }, row) =>
        Array.from({ length: vocabSize }, (_, id) => ({ ids: [...ids, id], score: score + (next[row * vocabSize + id] ?? Number.NaN) })),
      );
      ended.push(...longer.filter(({ ids }) => ids.at(-1) === stopId));
      open = longer.filter(({ ids }) => ids.at(-1) !== stopId);
    }
    return [...ended, ...open];
  }

  test.each([
    [0, 0],
    [0, 1],
    [3, 2],
    [3, -0.5],
  ])('beams as many as there are texts find the best ones: stop token %i, length penalty %f', async (stopId, lengthPenalty) => {
    const numBeams = vocabSize ** (length - 1);
    const best = allTexts(stopId, prompt)
      .map(({ ids, score }) => ({ ids, score: score / ids.length ** lengthPenalty }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 3);
    const options = { numBeams, lengthPenalty, earlyStopping: 'never', numReturnSequences: 3, eosTokenId: stopId, compile: false } as const;
    const found = await model.generate([prompt], { ...options, maxNewTokens: length });
    expect(found).toEqual(best.map(({ ids }) => ids));
  });

  test('finds texts that are no less likely than by taking the likeliest token each time, and some likelier', async () => {
    const stopped = { maxNewTokens: length, eosTokenId: [], compile: false };
    const gains = [];
    for (const prompt of [[0], [1], [2], [3], [1, 2], [2, 1], [3, 0]]) {
      const texts = allTexts(-1, prompt);
      const scoreOf = (ids: number[]) => texts.find((text) => text.ids.join() === ids.join())?.score ?? Number.NaN;
      const [greedy = []] = await model.generate([prompt], stopped);
      const [searched = []] = await model.generate([prompt], { ...stopped, numBeams: 16 });
      gains.push(scoreOf(searched) - scoreOf(greedy));
    }
    expect(Math.min(...gains)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...gains)).toBeGreaterThan(0.01);
  });
});

test('rows on different adapters keep them through the search', async () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 4, targetModules: ['q_proj', 'v_proj'] }), { adapterName: 'a' });
  peft.addAdapter('b', new LoraConfig({ r: 2, targetModules: ['q_proj', 'v_proj'] }), { seed: 1 });
  for (const name of ['a', 'b']) {
    peft.setAdapter(name);
    fill(peft.trainableParameters().values(), name.charCodeAt(0));
  }
  const prompts = [
    [1, 5, 9],
    [1, 5, 9],
    [1, 5, 9],
  ];
  const options = { numBeams: 3, maxNewTokens: 6, numReturnSequences: 2, eosTokenId: [], compile: false };
  const mixed = await peft.generate(prompts, { ...options, adapterNames: ['a', '__base__', 'b'] });
  const alone = [];
  for (const name of ['a', '__base__', 'b']) alone.push(...(await peft.generate([[1, 5, 9]], { ...options, adapterNames: [name] })));
  expect(mixed).toEqual(alone);
  expect(mixed[0]).not.toEqual(mixed[4]);
  await expect(peft.generate(prompts, { ...options, adapterNames: ['a'] })).rejects.toThrow(/1 names for 3 rows/);
});

test('a search leaves no tensors behind', async () => {
  const model = tinyModel();
  const before = tf.memory().numTensors;
  await model.generate(golden.prompts, { numBeams: 3, maxNewTokens: 4 });
  expect(tf.memory().numTensors).toBe(before);
});

test('options out of range, or that exclude each other, are refused by name', async () => {
  const model = tinyModel();
  const refused = (options: object) => expect(model.generate([[1]], options)).rejects;
  await refused({ numBeams: 0 }).toThrow(ArgumentError);
  await refused({ numBeams: 2, lengthPenalty: Number.NaN }).toThrow(/lengthPenalty NaN/);
  await refused({ numBeams: 2, numReturnSequences: 3 }).toThrow(/numReturnSequences 3 is not between 1 and numBeams, which is 2/);
  await refused({ numBeams: 2, temperature: 1 }).toThrow(/take one/);
  await refused({ numBeams: 2, onToken: () => {} }).toThrow(/onToken cannot follow 2 beams/);
});
