import { getPeftModel, LlamaForCausalLM, LoraConfig, type LoraOptions, PeftModel, tf, UnsupportedError } from 'lowrank';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { castModel, QuantizedEmbedding, TiedHead } from '../../../lib/lowrank/src/nn';
import { temporaryFolder } from '../../io/temporaryFolder';
import { fill, golden, goldenPath, IDS, relativeError, tinyModel } from '../tinyModel';

const folder = temporaryFolder();
const warn = vi.spyOn(console, 'warn');

beforeEach(() => {
  warn.mockReset().mockImplementation(() => undefined);
});
afterEach(() => {
  warn.mockReset();
});

const CHANGES: readonly [string, LoraOptions][] = [
  ['LoRA on the embedding', { targetModules: ['q_proj', 'embed_tokens'] }],
  ['LoRA on the head', { targetModules: ['q_proj', 'lm_head'] }],
  ['LoRA on both', { targetModules: ['q_proj', 'embed_tokens', 'lm_head'] }],
  ['DoRA on the embedding', { targetModules: ['embed_tokens'], useDora: true }],
  ['DoRA on the head', { targetModules: ['lm_head'], useDora: true }],
  ['a saved embedding', { modulesToSave: ['embed_tokens'] }],
  ['a saved head', { modulesToSave: ['lm_head'] }],
  ['both saved', { modulesToSave: ['embed_tokens', 'lm_head'] }],
  ['a saved embedding and LoRA on the head', { targetModules: ['lm_head'], modulesToSave: ['embed_tokens'] }],
  ['LoRA on the embedding and a saved head', { targetModules: ['embed_tokens'], modulesToSave: ['lm_head'] }],
];

const tied = () => tinyModel({ tieWordEmbeddings: true });

function adapted(options: LoraOptions, model = tied()): PeftModel<LlamaForCausalLM> {
  const peft = getPeftModel(model, new LoraConfig({ r: 2, ...options }));
  fill(peft.trainableParameters().values());
  return peft;
}

describe.each(CHANGES)('%s of a tied model', (name, options) => {
  test('is merged and saved as what was trained, with the ends apart and one word on it', async () => {
    const peft = adapted(options);
    const trained = peft.forward(IDS);
    const merged = peft.mergeAndUnload({ safeMerge: true });
    expect(relativeError(merged.forward(IDS), trained)).toBeLessThan(1e-5);
    expect(merged.config.tieWordEmbeddings).toBe(false);
    expect([...merged.namedParameters()].map(([path]) => path)).toEqual([...tinyModel().namedParameters()].map(([path]) => path));
    expect(warn.mock.calls.flat().filter((text) => /no longer share/.test(text))).toHaveLength(1);
    merged.savePretrained(folder(name));
    const again = await LlamaForCausalLM.fromPretrained(folder(name));
    expect(again.config.tieWordEmbeddings).toBe(false);
    expect(relativeError(again.forward(IDS), trained)).toBeLessThan(1e-5);
  });

  test('is merged in place and taken out again bit by bit, and leaves no tensor', () => {
    const model = tied();
    const before = model.forward(IDS);
    const { numTensors } = tf.memory();
    const peft = adapted(options, model);
    const trained = peft.forward(IDS);
    peft.mergeAdapter();
    expect(relativeError(peft.forward(IDS), trained)).toBeLessThan(1e-5);
    peft.unmergeAdapter();
    expect(peft.forward(IDS).dataSync()).toEqual(trained.dataSync());
    const plain = peft.unload();
    expect(plain.forward(IDS).dataSync()).toEqual(before.dataSync());
    expect(plain.config.tieWordEmbeddings).toBe(true);
    expect(plain.lmHead).toBeInstanceOf(TiedHead);
    expect(tf.memory().numTensors).toBe(numTensors + 4); // the logits above
    expect(warn).not.toHaveBeenCalled();
  });

  test('is saved, loaded, generated with and freed', async () => {
    const { numTensors } = tf.memory();
    const peft = adapted(options);
    const trained = peft.forward(IDS);
    peft.savePretrained(folder(`${name} adapter`));
    const again = await PeftModel.fromPretrained(tied(), folder(`${name} adapter`));
    expect(again.forward(IDS).dataSync()).toEqual(trained.dataSync());
    const written = await again.generate(IDS, { maxNewTokens: 3 });
    const plain = again.mergeAndUnload();
    expect(written).toEqual(await plain.generate(IDS, { maxNewTokens: 3 }));
    plain.dispose();
    peft.mergeAdapter();
    peft.dispose();
    expect(tf.memory().numTensors).toBe(numTensors + 2);
  });
});

test.each(['tied', 'savedTied'])("%s, an adapter of PEFT's, computes merged what PEFT computes with it unmerged", async (name) => {
  const merged = (await PeftModel.fromPretrained(tied(), goldenPath(name))).mergeAndUnload();
  expect(relativeError(merged.forward(IDS), golden(`${name}/logits`))).toBeLessThan(1e-5);
});

test.each(['embed_tokens', 'lm_head'])('the ends of a table that is kept packed part when %s is merged', (end) => {
  const model = tied();
  castModel(model, 'bfloat16');
  const trained = adapted({ targetModules: [end] }, model);
  const logits = trained.forward(IDS);
  const merged = trained.mergeAndUnload();
  expect(relativeError(merged.forward(IDS), logits)).toBeLessThan(0.02); // the embedding is rounded to 16 bits again
  expect(merged.model.embedTokens).toBeInstanceOf(QuantizedEmbedding);
  expect(merged.config.tieWordEmbeddings).toBe(false);
});

test('one adapter that moves the head leaves the others as they are', () => {
  const peft = adapted({ targetModules: ['q_proj'] });
  const alone = peft.forward(IDS);
  peft.addAdapter('head', new LoraConfig({ r: 2, targetModules: ['lm_head', 'embed_tokens'] }));
  peft.setAdapter('head');
  fill(peft.trainableParameters().values());
  peft.mergeAdapter();
  peft.unmergeAdapter();
  peft.setAdapter('default');
  expect(peft.forward(IDS).dataSync()).toEqual(alone.dataSync());
  const merged = peft.mergeAndUnload();
  expect(merged.config.tieWordEmbeddings).toBe(true); // what acts does not touch the ends
  expect(relativeError(merged.forward(IDS), alone)).toBeLessThan(1e-5);
});

test.each(['pissa', 'olora'] as const)(
  'the start %s is refused where it would change a shared table, which it never does to an embedding',
  (initLoraWeights) => {
    const before = [...tied().namedModules()].map(([path]) => path);
    const model = tied();
    expect(() => adapted({ targetModules: ['lm_head'], initLoraWeights }, model)).toRefuse(
      UnsupportedError,
      /shared by the embedding and the output layer/,
    );
    expect([...model.namedModules()].map(([path]) => path)).toEqual(before);
    const logits = model.forward(IDS);
    const peft = getPeftModel(model, new LoraConfig({ r: 2, targetModules: ['embed_tokens'], initLoraWeights }));
    expect(peft.forward(IDS).dataSync()).toEqual(logits.dataSync());
    peft.unload();
    expect(warn.mock.calls.flat()).not.toContainEqual(expect.stringContaining('residual'));
  },
);
