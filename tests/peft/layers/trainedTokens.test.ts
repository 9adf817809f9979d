import {
  ArgumentError,
  compile,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  type LoraOptions,
  PeftModel,
  readSafetensors,
  tf,
  UnsupportedError,
} from 'lowrank';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { goldenFolder } from '../../goldenFolder';
import { temporaryFolder } from '../../io/temporaryFolder';
import { fill, IDS, largestDifference, relativeError, tinyModel } from '../tinyModel';

const folder = temporaryFolder();
const { path: golden, tensor: result } = goldenFolder('trainedTokens');
const CASES = ['list', 'headAlone', 'apart', 'untied'] as const;
const warn = vi.spyOn(console, 'warn');

beforeEach(() => {
  warn.mockReset().mockImplementation(() => undefined);
});

const base = (name: string) => tinyModel({ tieWordEmbeddings: name !== 'untied' });

function adapted(options: LoraOptions, model = base('tied')): PeftModel<LlamaForCausalLM> {
  const peft = getPeftModel(model, new LoraConfig({ r: 2, targetModules: ['q_proj'], ...options }));
  fill(peft.trainableParameters().values());
  return peft;
}

describe.each(CASES)("PEFT's adapter '%s'", (name) => {
  test('has the logits and the gradients of its rows that PEFT has, eager and compiled', async () => {
    const peft = await PeftModel.fromPretrained(base(name), golden(name), { isTrainable: true });
    expect(relativeError(peft.forward(IDS), result(`${name}/logits`))).toBeLessThan(1e-5);
    const rows = [...peft.trainableParameters()].filter(([path]) => path.includes('trainable_tokens_delta'));
    const { grads } = tf.variableGrads(
      () => peft.loss(IDS, IDS),
      rows.map(([, variable]) => variable),
    );
    for (const [path, variable] of rows) {
      const expected = result(`${name}/grad/${path.includes('lm_head') ? 'head' : 'table'}`);
      expect(relativeError(grads[variable.name] ?? variable, expected)).toBeLessThan(1e-4);
    }
    const loss = compile((model: PeftModel) => model.loss(IDS, IDS));
    expect(largestDifference(loss(peft), peft.loss(IDS, IDS))).toBeLessThan(1e-5);
  });

  test('is merged, taken out, saved as a model, and written back as PEFT wrote it', async () => {
    const peft = await PeftModel.fromPretrained(base(name), golden(name));
    const trained = peft.forward(IDS);
    peft.mergeAdapter({ safeMerge: true });
    expect(peft.mergedAdapters).toEqual(['default']);
    expect(relativeError(peft.forward(IDS), trained)).toBeLessThan(1e-5);
    peft.unmergeAdapter();
    expect(peft.forward(IDS).dataSync()).toEqual(trained.dataSync());
    const off = peft.disableAdapter(() => peft.forward(IDS));
    expect(off.dataSync()).toEqual(base(name).forward(IDS).dataSync());
    peft.savePretrained(folder(`${name} again`));
    const [ours, theirs] = [folder(`${name} again`), golden(name)].map((place) => readSafetensors(`${place}/adapter_model.safetensors`));
    expect([...(ours?.names ?? [])].sort()).toEqual([...(theirs?.names ?? [])].sort());
    for (const tensor of theirs?.names ?? []) expect(ours?.toFloat32(tensor)).toEqual(theirs?.toFloat32(tensor));
    const merged = peft.mergeAndUnload();
    expect(merged.config.tieWordEmbeddings).toBe(name === 'list');
    merged.savePretrained(folder(name));
    merged.dispose();
    const again = await LlamaForCausalLM.fromPretrained(folder(name));
    expect(relativeError(again.forward(IDS), trained)).toBeLessThan(1e-5);
    again.dispose();
  });
});

test('train their rows alone, and leave a plain tied model when they are unloaded', () => {
  const model = base('tied');
  const before = model.forward(IDS);
  const { numTensors } = tf.memory();
  const peft = adapted({ trainableTokenIndices: { embedTokens: [3, 5] } }, model);
  expect([...peft.trainableParameters().keys()].filter((path) => !path.includes('lora_'))).toEqual([
    'base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta.default',
  ]);
  expect(peft.unload().forward(IDS).dataSync()).toEqual(before.dataSync());
  expect(tf.memory().numTensors).toBe(numTensors + 1);
});

test('several adapters have rows of their own, one active at a time, and mix in a batch', async () => {
  const peft = adapted({ trainableTokenIndices: [3, 5] });
  const first = peft.forward(IDS);
  peft.addAdapter('other', new LoraConfig({ r: 2, targetModules: ['q_proj'], trainableTokenIndices: [3, 22, 12] }));
  expect(() => peft.setAdapter(['default', 'other'])).toThrow('each train tokens of');
  peft.setAdapter('other');
  fill(peft.trainableParameters().values());
  const second = peft.forward(IDS);
  const mixed = peft.forward(IDS, { adapterNames: ['default', 'other', '__base__'] });
  const none = peft.disableAdapter(() => peft.forward(IDS));
  const rows = [first, second, none].map((logits, row) => logits.slice([row], [1]));
  expect(relativeError(mixed, tf.concat(rows))).toBeLessThan(1e-5);
  peft.deleteAdapter('other');
  expect(peft.forward(IDS).dataSync()).toEqual(first.dataSync());
  expect(await peft.generate(IDS, { maxNewTokens: 3 })).toEqual(await peft.mergeAndUnload().generate(IDS, { maxNewTokens: 3 }));
});

test('are merged into a table that is kept in 16 bits', () => {
  const peft = adapted({ trainableTokenIndices: [3, 5] });
  const trained = peft.forward(IDS);
  expect(relativeError(peft.mergeAndUnload({ dtype: 'bfloat16' }).forward(IDS), trained)).toBeLessThan(0.05);
});

test('what does not go together is refused by name, and the model stays as it was', () => {
  const model = base('tied');
  const paths = [...model.namedModules()].map(([path]) => path);
  const refused = (options: LoraOptions) => expect(() => adapted(options, model));
  refused({ trainableTokenIndices: [40] }).toThrow('token id 40 is not in the vocabulary');
  refused({ trainableTokenIndices: { score: [1] } }).toThrow(ArgumentError);
  refused({ trainableTokenIndices: { q_proj: [1] } }).toThrow(UnsupportedError);
  refused({ trainableTokenIndices: [1], modulesToSave: ['embed_tokens'] }).toThrow(UnsupportedError);
  refused({ trainableTokenIndices: [1], targetModules: ['embed_tokens'] }).toThrow(UnsupportedError);
  refused({ trainableTokenIndices: [1], targetModules: ['lm_head'] }).toThrow('leave lm_head out');
  expect([...model.namedModules()].map(([path]) => path)).toEqual(paths);
  for (const indices of [[1, 1], [-1], [0.5], []]) expect(() => new LoraConfig({ trainableTokenIndices: indices })).toThrow(ArgumentError);
});
