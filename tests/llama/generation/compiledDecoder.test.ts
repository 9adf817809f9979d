import {
  AdaptionPromptConfig,
  deviceInfo,
  type GenerateOptions,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  quantizeModel,
  type TokenRows,
  tf,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { worthSharing } from '../../../lib/lowrank/src/llama/generation/sharedLength';
import { castModel } from '../../../lib/lowrank/src/nn';
import { backendInternals } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';
import { fill, tinyModel } from '../../peft/tinyModel';
import { SMALL_SIZES } from '../smallSizes';

const PROMPTS = [
  [1, 5, 9, 3],
  [1, 22],
  [1, 12, 13, 14, 15, 16, 33],
];
/** A common beginning of 33 tokens, and up to 19 of their own. */
const ALIKE = Array.from({ length: 10 }, (_, row) => [
  ...Array.from({ length: 33 }, (_, t) => (7 * t) % 40),
  ...Array.from({ length: 19 - 2 * row }, (_, t) => (row + 5 * t) % 40),
]);
const compilations = () => backendInternals().binding.xlaCompilations();

interface Generating<O> {
  generate(inputIds: TokenRows, options?: O): Promise<number[][]>;
}

async function expectSame<O extends GenerateOptions>(model: Generating<O>, options: O, prompts: TokenRows = PROMPTS) {
  const compiled = await model.generate(prompts, options);
  expect(compiled).toEqual(await model.generate(prompts, { ...options, compile: false }));
  return compiled;
}

function loraModel() {
  const config = new LoraConfig({ r: 4, targetModules: ['q_proj', 'v_proj', 'down_proj'] });
  const peft = getPeftModel(tinyModel(), config, { adapterName: 'a' });
  peft.addAdapter('b', config, { seed: 1 });
  for (const name of ['b', 'a']) {
    peft.setAdapter(name);
    fill(peft.trainableParameters().values(), name.charCodeAt(0));
  }
  return peft;
}

describe('compiled decoding writes what decoding operation by operation writes', () => {
  const free = { maxNewTokens: 6, eosTokenId: [] };
  const base = tinyModel();
  let written: Promise<number[][]> | undefined;
  /** What the model writes without an adapter. */
  const ofBase = () => (written ??= base.generate(PROMPTS, { ...free, compile: false }));

  test.each([
    ['greedily', {}],
    ['by sampling', { temperature: 0.8, topK: 12, seed: 3 }],
    ['by beam search', { numBeams: 3, numReturnSequences: 2 }],
    ['up to a stop token', { eosTokenId: 31 }],
  ])('%s, for prompts of several lengths', async (_, options) => {
    await expectSame(base, { ...free, maxNewTokens: 12, ...options });
  });

  test('for prompts that begin alike, which are read once: greedily, by sampling, by beam search, with an adapter', async () => {
    if (deviceInfo().device === 'CPU') expect(worthSharing(ALIKE)).toBe(32); // a GPU pads these to one length
    const peft = loraModel();
    for (const options of [{}, { temperature: 0.8, topK: 12, seed: 3 }, { numBeams: 2 }]) {
      await expectSame(base, { ...free, ...options }, ALIKE);
    }
    await expectSame(peft, free, ALIKE);
    await expectSame(peft, { ...free, adapterNames: ['a', 'b', 'b', '__base__', 'a', 'a', 'a', 'a', 'b', 'b'] }, ALIKE);
  });

  test('with a LoRA adapter whose B is not 0: active, another, none, merged', async () => {
    const peft = loraModel();
    const texts = [await expectSame(peft, free)];
    expect(texts[0]).not.toEqual(await ofBase());
    peft.setAdapter('b');
    texts.push(await expectSame(peft, free));
    expect(texts[1]).not.toEqual(texts[0]);
    expect(await peft.disableAdapter(() => peft.generate(PROMPTS, free))).toEqual(await ofBase());
    peft.mergeAdapter();
    expect(await expectSame(peft, free)).toEqual(texts[1]);
    peft.unmergeAdapter();
    peft.setAdapter('a');
    expect(await peft.generate(PROMPTS, free)).toEqual(texts[0]);
  });

  test('with each row on its own adapter, also under beam search', async () => {
    const adapterNames = ['a', '__base__', 'b'];
    const peft = loraModel();
    await expectSame(peft, { ...free, adapterNames });
    await expectSame(peft, { ...free, adapterNames, numBeams: 2 });
  });

  test('with a prefix whose gate is not 0', async () => {
    const peft = getPeftModel(tinyModel(), new AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 2 }));
    fill(peft.trainableParameters().values());
    expect(await expectSame(peft, free)).not.toEqual(await ofBase());
    await expectSame(peft, free, ALIKE);
  });

  test.each(['q4_1', 'int8', 'bfloat16'] as const)(
    'with weights in %s that are large enough for native products, and an adapter',
    async (format) => {
      const model = LlamaForCausalLM.fromConfig(
        { ...SMALL_SIZES, hiddenSize: 256, intermediateSize: 512, numHiddenLayers: 1, initializerRange: 0.1 },
        { seed: 1 },
      );
      if (format === 'bfloat16') castModel(model, format);
      else quantizeModel(model, format);
      const base = await expectSame(model, free);
      const peft = getPeftModel(model, new LoraConfig({ r: 4, targetModules: ['q_proj', 'down_proj'] }));
      fill(peft.trainableParameters().values());
      expect(await expectSame(peft, free)).not.toEqual(base);
      if (format === 'q4_1') await expectSame(peft, free, ALIKE);
    },
  );

  test.each([
    ['LoRA', { r: 4, targetModules: ['embed_tokens', 'lm_head', 'q_proj'] }],
    ['DoRA', { r: 4, targetModules: ['embed_tokens', 'q_proj'], useDora: true }],
    ['copies', { r: 4, targetModules: ['q_proj'], modulesToSave: ['embed_tokens', 'lm_head', 'norm'] }],
  ])('with %s of the token table and the head', async (_, options) => {
    const peft = getPeftModel(tinyModel(), new LoraConfig(options));
    fill(peft.trainableParameters().values());
    expect(await expectSame(peft, free)).not.toEqual(await ofBase());
  });

  test('with rows of which only some have an adapter on the token table', async () => {
    const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 4, targetModules: ['embed_tokens', 'v_proj'] }), { adapterName: 'a' });
    peft.addAdapter('b', new LoraConfig({ r: 2, targetModules: ['v_proj'] }));
    for (const name of ['b', 'a']) {
      peft.setAdapter(name);
      fill(peft.trainableParameters().values(), name.charCodeAt(0));
    }
    const texts = await expectSame(peft, { ...free, adapterNames: ['a', '__base__', 'b'] });
    const alone = async (row: number) => (await peft.generate([PROMPTS[row] ?? []], { ...free, compile: false }))[0];
    expect(texts[0]).toEqual(await alone(0));
    expect(texts[1]).toEqual(await peft.disableAdapter(() => alone(1)));
    peft.setAdapter('b');
    expect(texts[2]).toEqual(await alone(2));
    expect(new Set(texts.map(String)).size).toBe(3);
  });

  test.each([15, 16, 17, 33, 64, 65])('for a prompt of %i tokens, alone and beside a short one', async (length) => {
    const model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, numHiddenLayers: 1, initializerRange: 0.1 }, { seed: 1 });
    const prompt = Array.from({ length }, (_, at) => 1 + ((at * 7) % 20));
    const [alone] = await expectSame(model, free, [prompt]);
    expect((await expectSame(model, free, [[3, 4], prompt]))[1]).toEqual(alone);
  });

  test('after the adapter has been trained further', async () => {
    const peft = loraModel();
    const before = await peft.generate(PROMPTS, free);
    fill(peft.trainableParameters().values(), 77);
    expect(await expectSame(peft, free)).not.toEqual(before);
  });
});

test('64 positions, and other prompts of like length, take one compilation', async () => {
  const model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, vocabSize: 56 }); // a form that no other test has had compiled
  await model.generate([[1, 5]], { maxNewTokens: 1, eosTokenId: [] }); // the prefill
  const before = compilations();
  const seen = new Set<number>();
  const options = { maxNewTokens: 50, eosTokenId: [] };
  await model.generate([[1, 5]], { ...options, onToken: () => seen.add(compilations() - before) });
  const used = compilations() - before;
  expect([...seen]).toEqual([0, used]); // none at the first token, all at the second, no more after it
  await model.generate([[1, 9, 30, 8, 2, 3]], options);
  expect(compilations() - before).toBe(used);
});

test('compiled decoding leaves no tensors behind', async () => {
  const model = loraModel();
  const options = { maxNewTokens: 4, eosTokenId: [] };
  await model.generate(PROMPTS, options);
  const before = tf.memory().numTensors;
  await model.generate(PROMPTS, options);
  await model.generate(PROMPTS, { ...options, signal: AbortSignal.abort() }).catch(() => undefined);
  expect(tf.memory().numTensors).toBe(before);
});
