import {
  AdamW,
  AdaptionPromptConfig,
  ArgumentError,
  type CausalModel,
  getPeftModel,
  type LlamaForCausalLM,
  LoraConfig,
  LoraLinear,
  Module,
  PeftModel,
  quantizeModel,
  StateError,
  tf,
  train,
} from 'lowrank';
import { SourcePrefixAttention } from 'lowrank-course';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { fill, IDS, LABELS, largestDifference, tinyModel } from './tinyModel';

const folder = temporaryFolder()('adapter');

const LORA = () => new LoraConfig({ r: 2 });
const PREFIX = () => new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 });
const KINDS = { LORA, PREFIX };
const PAIRS = Object.keys(KINDS).flatMap((first) => Object.keys(KINDS).map((second) => [first, second] as const));

test.each(PAIRS)('a model with a %s adapter refuses a second PeftModel with %s, and nothing is changed', (first, second) => {
  const model = tinyModel();
  const peft = getPeftModel(model, KINDS[first as keyof typeof KINDS](), { adapterName: 'a' });
  fill(peft.trainableParameters().values());
  const before = peft.forward(IDS);
  const tensors = tf.memory().numTensors;
  for (const adapterName of ['a', 'b']) {
    const again = () => getPeftModel(model, KINDS[second as keyof typeof KINDS](), { adapterName });
    expect(again).toRefuse(StateError, /addAdapter.*unload/);
  }
  expect(tf.memory().numTensors).toBe(tensors);
  expect(largestDifference(peft.forward(IDS), before)).toBe(0);
  expect(peft.trainableParameters().size).toBeGreaterThan(0);
});

test('fromPretrained refuses a model that has adapters', async () => {
  const model = tinyModel();
  getPeftModel(model, LORA()).savePretrained(folder);
  await expect(PeftModel.fromPretrained(model, folder)).rejects.toThrow(/adapters already.*addAdapter.*unload/);
});

test('a PeftModel, and another object around the same layers, count as the model that has adapters', () => {
  class Wrapped extends Module {
    constructor(readonly inner: LlamaForCausalLM) {
      super();
    }
    readonly config = tinyModel().config;
    forward = (...args: Parameters<CausalModel['forward']>) => this.inner.forward(...args);
    loss = (...args: Parameters<CausalModel['loss']>) => this.inner.loss(...args);
    attentions = (...args: Parameters<CausalModel['attentions']>) => this.inner.attentions(...args);
  }
  const model = tinyModel();
  const peft = getPeftModel(model, PREFIX());
  expect(() => getPeftModel(peft, LORA())).toThrow(StateError);
  expect(() => getPeftModel(new Wrapped(model), LORA())).toThrow(StateError);
  peft.disableAdapter(() => expect(() => getPeftModel(new Wrapped(model), LORA())).toThrow(StateError));
});

test('a layer wrapped by hand counts as an adapter', () => {
  const model = tinyModel();
  const [layer] = model.model.layers;
  const attention = layer?.selfAttn as never;
  layer?.replaceModule('self_attn', new SourcePrefixAttention(attention, { adapterLen: 2 }));
  expect(() => getPeftModel(model, LORA())).toThrow("found at 'model.layers.0.self_attn.base_layer'");
  layer?.replaceModule('self_attn', attention);
  model.replaceModule('lm_head', new LoraLinear(model.lmHead, { r: 1 }));
  expect(() => getPeftModel(model, PREFIX())).toThrow(StateError);
});

test('an adapter that does not fit leaves the model free', () => {
  const model = tinyModel();
  expect(() => getPeftModel(model, new LoraConfig({ targetModules: ['nothing'] }))).toThrow(ArgumentError);
  expect(getPeftModel(model, LORA()).activeAdapters).toEqual(['default']);
});

test('after unload the model can be wrapped anew, and what is trained then moves', async () => {
  const model = tinyModel();
  getPeftModel(model, LORA(), { adapterName: 'a' }).unload();
  const { history } = await train(getPeftModel(model, LORA(), { adapterName: 'b' }), [{ inputIds: IDS, labels: LABELS }], {
    steps: 6,
    optimizer: new AdamW({ learningRate: 0.05 }),
  });
  expect(history.every(({ gradNorm }) => gradNorm > 0)).toBe(true);
  expect(history.at(-1)?.loss).toBeLessThan(history[0]?.loss ?? 0);
});

test('a PeftModel without adapters leaves its model to the next one, and then refuses to answer for it', () => {
  const model = tinyModel();
  const first = getPeftModel(model, LORA());
  first.deleteAdapter('default');
  const second = getPeftModel(model, PREFIX());
  expect(second.activeAdapters).toEqual(['default']);
  expect(() => first.forward(IDS)).toThrow(/another one now has adapters/);
  expect(() => first.addAdapter('late', LORA())).toThrow(StateError);
});

const CALLS: [string, (peft: PeftModel) => unknown][] = [
  ['forward', (peft) => peft.forward(IDS)],
  ['loss', (peft) => peft.loss(IDS, LABELS)],
  ['generate', (peft) => peft.generate(IDS)],
  ['attentions', (peft) => peft.attentions(IDS)],
  ['savePretrained', (peft) => peft.savePretrained(folder)],
  ['addAdapter', (peft) => peft.addAdapter('x', LORA())],
  ['loadAdapter', (peft) => peft.loadAdapter(folder)],
  ['setAdapter', (peft) => peft.setAdapter([])],
  ['deleteAdapter', (peft) => peft.deleteAdapter('default')],
  ['hotswapAdapter', (peft) => peft.hotswapAdapter({})],
  ['mergeAdapter', (peft) => peft.mergeAdapter()],
  ['unmergeAdapter', (peft) => peft.unmergeAdapter()],
  ['mergeAndUnload', (peft) => peft.mergeAndUnload()],
  ['unload', (peft) => peft.unload()],
  ['addWeightedAdapter', (peft) => peft.addWeightedAdapter({ adapterName: 'x', adapters: ['default'], weights: [1] })],
  ['disableAdapter', (peft) => peft.disableAdapter(() => 1)],
  ['adapterTensors', (peft) => peft.adapterTensors('default')],
  ['trainableParameters', (peft) => peft.trainableParameters()],
  ['namedParameters', (peft) => [...peft.namedParameters()]],
  ['printTrainableParameters', (peft) => peft.printTrainableParameters()],
  ['train', (peft) => peft.train()],
  ['eval', (peft) => peft.eval()],
  ['freeze', (peft) => peft.freeze()],
  ['replaceModule', (peft) => peft.replaceModule('base_model.model.lm_head', tinyModel().lmHead)],
  ['config', (peft) => peft.config],
  ['peftConfig', (peft) => peft.peftConfig],
  ['activeAdapters', (peft) => peft.activeAdapters],
  ['mergedAdapters', (peft) => peft.mergedAdapters],
  ['isTraining', (peft) => peft.isTraining],
];
const ENDS: [string, (peft: PeftModel) => unknown][] = [
  ['unload', (peft) => peft.unload()],
  ['mergeAndUnload', (peft) => peft.mergeAndUnload()],
  ['dispose', (peft) => peft.dispose()],
];

test.each(ENDS)('after %s every call but dispose is refused', async (name, end) => {
  const peft: PeftModel = getPeftModel(tinyModel(), LORA());
  end(peft);
  for (const [call, run] of CALLS) {
    const answer = await Promise.resolve()
      .then(() => run(peft))
      .catch((error: unknown) => error);
    expect(answer, call).toBeInstanceOf(StateError);
    expect(String(answer), call).toContain(`after ${name}()`);
  }
  expect(() => peft.dispose()).not.toThrow();
});

test('after the base was freed below it, every call but dispose is refused', async () => {
  const model = tinyModel();
  const peft: PeftModel = getPeftModel(model, LORA());
  model.dispose();
  for (const [call, run] of CALLS) {
    const answer = await Promise.resolve()
      .then(() => run(peft))
      .catch((error: unknown) => error);
    expect(answer, call).toBeInstanceOf(StateError);
    expect(String(answer), call).toContain('this model was disposed of');
  }
  for (const use of [() => quantizeModel(model, 'int8'), () => model.resizeTokenEmbeddings(80), () => getPeftModel(model, LORA())])
    expect(use).toRefuse(StateError, 'this model was disposed of');
});

test('the base that unload gives back is left alone by a later dispose', () => {
  const peft = getPeftModel(tinyModel(), LORA());
  const base = peft.unload();
  peft.dispose();
  expect(base.forward(IDS).shape).toEqual([...tf.tensor2d(IDS).shape, base.config.vocabSize]);
});

test.each([[1], [null], [undefined], [{}], [''], ['a/b'], ['__base__']])('%j is no name of an adapter', (name) => {
  const peft = getPeftModel(tinyModel(), LORA());
  expect(() => peft.addAdapter(name as never, LORA())).toRefuse(ArgumentError, /is not a text of 1 to 100 letters/);
});

test('one adapter named twice is refused', () => {
  const peft = getPeftModel(tinyModel(), LORA());
  expect(() => peft.setAdapter(['default', 'default'])).toThrow('named twice');
});
