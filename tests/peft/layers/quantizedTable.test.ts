import {
  AdamW,
  AdaptionPromptConfig,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  type LoraOptions,
  PeftModel,
  tf,
  train,
  UnsupportedError,
} from 'lowrank';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { GgufWeight, QuantizedEmbedding, TiedHead } from '../../../lib/lowrank/src/nn';
import { temporaryFolder } from '../../io/temporaryFolder';
import { SMALL_SIZES } from '../../llama/smallSizes';
import { fill, IDS, relativeError } from '../tinyModel';

const folder = temporaryFolder();
const warn = vi.spyOn(console, 'warn');
beforeAll(() => {
  warn.mockImplementation(() => undefined);
});
afterAll(() => warn.mockRestore());

/** Blocks of Q8_0 as a GGUF file has them: a half of 2⁻⁷ and 32 codes. */
function q8Table(V: number, C: number): GgufWeight {
  const codes = tf.randomUniform([V, C], -100, 100, 'int32', 3).dataSync();
  const bytes = new Uint8Array((V * C * 34) / 32);
  for (let block = 0; block < (V * C) / 32; block++) {
    bytes.set([0, 0x20], block * 34); // 0x2000 is 2⁻⁷
    for (let i = 0; i < 32; i++) bytes[block * 34 + 2 + i] = codes[block * 32 + i] ?? 0;
  }
  return GgufWeight.fromBytes('Q8_0', [V, C], bytes);
}

/** A tied model whose table is kept in blocks, as a GGUF file's is. */
function base(): LlamaForCausalLM {
  const model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, numHiddenLayers: 1, tieWordEmbeddings: true, initializerRange: 0.2 });
  const table = new QuantizedEmbedding(q8Table(SMALL_SIZES.vocabSize, SMALL_SIZES.hiddenSize));
  model.replaceModule('model.embed_tokens', table);
  model.replaceModule('lm_head', new TiedHead(table));
  return model;
}

const CHANGES: readonly [string, LoraOptions][] = [
  ['LoRA on the embedding', { targetModules: ['embed_tokens'] }],
  ['LoRA on the head', { targetModules: ['lm_head'] }],
  ['LoRA on both', { targetModules: ['embed_tokens', 'lm_head'] }],
  ['DoRA on both', { targetModules: ['embed_tokens', 'lm_head'], useDora: true }],
  ['a saved embedding', { modulesToSave: ['embed_tokens'] }],
  ['a saved head', { modulesToSave: ['lm_head'] }],
  ['an ensured copy', { modulesToSave: ['lm_head'], ensureWeightTying: true }],
  ['trained tokens', { trainableTokenIndices: [3, 39] }],
  ['trained tokens of the head', { trainableTokenIndices: { lm_head: [3, 39] } }],
];

describe.each(CHANGES)('%s of a table in Q8_0', (name, options) => {
  const config = new LoraConfig({ r: 2, ...options });

  test('is trained, saved, loaded and merged as what was trained', async () => {
    const peft = getPeftModel(base(), config);
    const words = () =>
      [...peft.namedParameters()].filter(([path]) => path.includes('words')).map(([, variable]) => variable.dataSync().slice());
    const packed = words();
    expect(packed).toHaveLength(1);
    const before = new Map([...peft.trainableParameters()].map(([path, variable]) => [path, variable.dataSync().slice()]));
    const optimizer = new AdamW({ learningRate: 0.05 });
    const { history } = await train(peft, () => [{ inputIds: IDS, labels: IDS }], { steps: 6, optimizer });
    expect(history.at(-1)?.loss).toBeLessThan(history[0]?.loss ?? 0);
    for (const [path, variable] of peft.trainableParameters()) expect(variable.dataSync()).not.toEqual(before.get(path));
    expect(words()).toEqual(packed);
    const trained = peft.forward(IDS);
    peft.savePretrained(folder(name));
    const again = await PeftModel.fromPretrained(base(), folder(name));
    expect(relativeError(again.forward(IDS), trained)).toBeLessThan(1e-6);
    const merged = again.mergeAndUnload({ dtype: 'float32' });
    expect(relativeError(merged.forward(IDS), trained)).toBeLessThan(1e-5);
    merged.savePretrained(folder(`${name} merged`));
    const read = await LlamaForCausalLM.fromPretrained(folder(`${name} merged`));
    expect(relativeError(read.forward(IDS), trained)).toBeLessThan(1e-5);
  });

  test('is unloaded to the base, word by word', () => {
    const model = base();
    const before = model.forward(IDS).dataSync();
    const peft = getPeftModel(model, config);
    fill(peft.trainableParameters().values());
    expect(peft.unload().forward(IDS).dataSync()).toEqual(before);
  });

  test('is refused, or right, where it is merged without another dtype', () => {
    const peft = getPeftModel(base(), config);
    fill(peft.trainableParameters().values());
    const adapted = peft.forward(IDS);
    try {
      peft.mergeAdapter();
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedError);
      expect(`${error}`).toMatch(/Q8_0/);
      expect(peft.mergedAdapters).toEqual([]);
    }
    expect(relativeError(peft.forward(IDS), adapted)).toBeLessThan(1e-5);
  });
});

test('a prefix goes with a tied table in Q8_0', async () => {
  const config = new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 1 });
  const peft = getPeftModel(base(), config);
  fill(peft.trainableParameters().values());
  await train(peft, () => [{ inputIds: IDS, labels: IDS }], { steps: 2, optimizer: new AdamW({ learningRate: 0.05 }) });
  const trained = peft.forward(IDS);
  peft.savePretrained(folder('prefix'));
  expect(relativeError((await PeftModel.fromPretrained(base(), folder('prefix'))).forward(IDS), trained)).toBeLessThan(1e-6);
  expect(peft.unload().forward(IDS).dataSync()).toEqual(base().forward(IDS).dataSync());
});

test("a file's values for a table that is kept packed are left out, and a warning names them once", async () => {
  const whole = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, numHiddenLayers: 1, tieWordEmbeddings: true });
  const peft = getPeftModel(whole, new LoraConfig({ r: 2, targetModules: ['q_proj'] }));
  peft.savePretrained(folder('with layers'), { saveEmbeddingLayers: true });
  warn.mockClear();
  const model = base();
  const before = tf.tidy(() => model.forward(IDS).dataSync());
  const loaded = await PeftModel.fromPretrained(model, folder('with layers'));
  expect(tf.tidy(() => loaded.forward(IDS).dataSync())).toEqual(before);
  const warnings = warn.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('keeps that table packed'));
  expect(warnings).toEqual([expect.stringMatching(/the values of .*\.weight are left out, .* load the base unquantised to have them$/)]);
});
