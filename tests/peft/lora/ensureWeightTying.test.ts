import { readFileSync } from 'node:fs';
import {
  AdamW,
  ArgumentError,
  compile,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  type LoraOptions,
  PeftModel,
  readSafetensors,
  tf,
  train,
  UnsupportedError,
} from 'lowrank';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { goldenFolder } from '../../goldenFolder';
import { temporaryFolder } from '../../io/temporaryFolder';
import { fill, IDS, largestDifference, relativeError, tinyModel } from '../tinyModel';

const folder = temporaryFolder();
const { path: golden, tensor: result } = goldenFolder('tied');
const file = (place: string) => readSafetensors(`${place}/adapter_model.safetensors`);
const CASES = ['savedHead', 'savedTable', 'loraTable', 'loraHead', 'tokens', 'ensuredHead', 'ensuredTable', 'ensuredTokens'] as const;
const warn = vi.spyOn(console, 'warn');

beforeEach(() => {
  warn.mockReset().mockImplementation(() => undefined);
});

const tied = () => tinyModel({ tieWordEmbeddings: true });
const load = (name: string) => PeftModel.fromPretrained(tied(), golden(`${name}/start`), { isTrainable: true });

describe.each(CASES)("PEFT's adapter '%s' on a tied model", (name) => {
  test('is trained as PEFT trains it, step by step', async () => {
    const peft = await load(name);
    expect(relativeError(peft.forward(IDS), result(`${name}/logits`))).toBeLessThan(1e-5);
    const optimizer = new AdamW({ learningRate: 1e-2, epsilon: 1e-3, weightDecay: 0.01 });
    const { history } = await train(peft, () => [{ inputIds: IDS, labels: IDS }], {
      steps: 4,
      optimizer,
      maxGradNorm: Number.POSITIVE_INFINITY,
    });
    expect(relativeError(tf.tensor1d(history.map(({ loss }) => loss)), result(`${name}/losses`))).toBeLessThan(1e-5);
    expect(relativeError(peft.forward(IDS), result(`${name}/trained`))).toBeLessThan(1e-4);
    peft.savePretrained(folder(name));
    const [ours, theirs] = [file(folder(name)), file(golden(`${name}/end`))];
    expect([...ours.names].sort()).toEqual([...theirs.names].sort());
    for (const tensor of theirs.names) {
      const [found, expected] = [ours, theirs].map((from) => tf.tensor(from.toFloat32(tensor))) as [tf.Tensor, tf.Tensor];
      expect(relativeError(found, expected)).toBeLessThan(1e-3);
    }
  });

  test('is merged, saved and read again as what it was', async () => {
    const peft = await load(name);
    const adapted = peft.forward(IDS);
    const before = tf.memory().numTensors;
    tf.dispose(peft.disableAdapter(() => peft.forward(IDS)));
    expect(tf.memory().numTensors).toBe(before);
    const merged = peft.mergeAndUnload();
    expect(merged.config.tieWordEmbeddings).toBe(/ensured|tokens/.test(name));
    expect(relativeError(merged.forward(IDS), adapted)).toBeLessThan(1e-5);
    merged.savePretrained(folder(`${name} merged`));
    merged.dispose();
    const again = await LlamaForCausalLM.fromPretrained(folder(`${name} merged`));
    expect(relativeError(again.forward(IDS), adapted)).toBeLessThan(1e-5);
    again.dispose();
  });
});

function adapted(options: LoraOptions, model = tied()): PeftModel<LlamaForCausalLM> {
  const peft = getPeftModel(model, new LoraConfig({ r: 2, targetModules: ['q_proj'], ensureWeightTying: true, ...options }));
  fill(peft.trainableParameters().values());
  return peft;
}

describe('an ensured copy of the table', () => {
  test('is named in the file as PEFT names it', () => {
    for (const [name, modulesToSave] of [
      ['ensuredHead', ['lm_head']],
      ['ensuredTable', ['embed_tokens', 'norm']],
    ] as const) {
      adapted({ modulesToSave }).savePretrained(folder(name));
      const read = (place: string) => JSON.parse(readFileSync(`${place}/adapter_config.json`, 'utf8'));
      const { modules_to_save, ensure_weight_tying } = read(golden(`${name}/start`));
      expect(read(folder(name))).toMatchObject({ modules_to_save, ensure_weight_tying });
    }
  });

  test('is one trained variable, for eager and compiled passes', () => {
    const peft = adapted({ modulesToSave: ['lm_head'] });
    expect([...peft.trainableParameters().keys()].filter((path) => !path.includes('q_proj'))).toEqual([
      'base_model.model.model.embed_tokens.modules_to_save.default.weight',
    ]);
    const loss = compile((model: PeftModel) => model.loss(IDS, IDS));
    expect(largestDifference(loss(peft), peft.loss(IDS, IDS))).toBeLessThan(1e-5);
  });

  test('leaves the tied model as it was when it is unloaded or deleted', () => {
    const before = tied().forward(IDS).dataSync();
    const model = adapted({ modulesToSave: ['embed_tokens'] }).unload();
    expect(model.forward(IDS).dataSync()).toEqual(before);
    const peft = adapted({ modulesToSave: ['embed_tokens'] }, model);
    expect(peft.disableAdapter(() => peft.forward(IDS)).dataSync()).toEqual(before);
    peft.addAdapter('other', new LoraConfig({ r: 2 }));
    peft.deleteAdapter('default');
    expect(peft.forward(IDS).dataSync()).toEqual(before);
    expect(peft.unload().config.tieWordEmbeddings).toBe(true);
  });

  test('goes with the rows of its adapter in a mixed batch', () => {
    const peft = adapted({ modulesToSave: ['embed_tokens'] });
    const mixed = peft.forward(IDS, { adapterNames: ['default', '__base__', 'default'] });
    const [own, base] = [peft.forward(IDS), peft.disableAdapter(() => peft.forward(IDS))];
    expect(relativeError(mixed.slice([0], [1]), own.slice([0], [1]))).toBeLessThan(1e-5);
    expect(relativeError(mixed.slice([1], [1]), base.slice([1], [1]))).toBeLessThan(1e-5);
  });

  test('is exchanged by a hot swap', async () => {
    const peft = await load('ensuredHead');
    adapted({ modulesToSave: ['lm_head'] }).savePretrained(folder('swapped'));
    const expected = (await PeftModel.fromPretrained(tied(), folder('swapped'))).forward(IDS);
    peft.hotswapAdapter(folder('swapped'));
    expect(relativeError(peft.forward(IDS), expected)).toBeLessThan(1e-5);
  });

  test('is refused beside an adapter that parts the ends', () => {
    const peft = adapted({ modulesToSave: ['embed_tokens'] });
    const other = new LoraConfig({ r: 2, modulesToSave: ['embed_tokens'] });
    expect(() => peft.addAdapter('other', other)).toThrow(/ensureWeightTying true: it is the same for every adapter/);
    const apart = adapted({ modulesToSave: ['embed_tokens'], ensureWeightTying: false });
    const ensured = new LoraConfig({ r: 2, modulesToSave: ['embed_tokens'], ensureWeightTying: true });
    expect(() => apart.addAdapter('other', ensured)).toThrow(/ensureWeightTying false: it is the same for every adapter/);
    peft.addAdapter('same', ensured);
  });
});

test.each([
  [{ targetModules: ['q_proj', 'lm_head'] }, UnsupportedError, /LoRA on 'lm_head'.*trained and merged twice/],
  [{ targetModules: '.*embed_tokens' }, UnsupportedError, /LoRA on 'model.embed_tokens'/],
  [{ targetModules: ['lm_head'], modulesToSave: ['embed_tokens'] }, UnsupportedError, /LoRA on 'lm_head'/],
  [{ trainableTokenIndices: { embed_tokens: [3], lm_head: [4] } }, ArgumentError, /trains the tokens \[3\].*\[4\]: give both the same/],
  [{ trainableTokenIndices: { lm_head: [4] } }, UnsupportedError, /lm_head alone are not tied/],
  [{ trainableTokenIndices: [4], modulesToSave: ['lm_head'] }, UnsupportedError, /saved whole/],
])('%o is refused with ensureWeightTying, before the model is changed', (options: LoraOptions, kind, message) => {
  const model = tied();
  expect(() => adapted(options, model)).toThrow(kind);
  expect(() => adapted(options, model)).toThrow(message);
  expect([...model.namedParameters()].map(([path]) => path)).toEqual([...tied().namedParameters()].map(([path]) => path));
});

test('ensureWeightTying says where it does nothing', () => {
  adapted({});
  expect(warn.mock.calls.flat().join()).toMatch(/changes neither the embedding nor the output layer/);
  warn.mockClear();
  adapted({ modulesToSave: ['lm_head'] }, tinyModel());
  expect(warn.mock.calls.flat().join()).toMatch(/are not tied/);
});
