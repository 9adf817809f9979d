import vm from 'node:vm';
import * as lowrank from 'lowrank';
import { ArgumentError } from 'lowrank';
import * as notebook from 'lowrank-notebook';
import * as review from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { behindDoor } from '../../../lib/lowrank/src/runtime/checks/door';

type Called = (...args: unknown[]) => unknown;

/** What each function does without arguments: those of the library's index, not the ones behind the door, tell how many they need. */
const isClass = (value: unknown) => /^class/.test(Function.prototype.toString.call(value));
const functions = Object.entries({ ...lowrank, ...review, ...notebook }).filter(
  (entry): entry is [string, Called] => typeof entry[1] === 'function' && !isClass(entry[1]),
);
/** They need nothing, and would begin their work. */
const NEEDS_NOTHING = ['deviceInfo', 'findCluster', 'joinCluster', 'lintReviews', 'liveLoss', 'loadReviewData', 'terminalProgress'];
const needy = functions.filter(([name]) => !NEEDS_NOTHING.includes(name));

test('most public functions need something', () => {
  expect(needy.length).toBeGreaterThan(70);
});

describe.each([
  ['nothing', [], 'is missing'],
  ['null', [null, null, null, null, null], 'is null'],
])('called from JavaScript with %s', (_, given, reason) => {
  test.each(needy)('%s says what is missing', async (name, called) => {
    const error: unknown = await Promise.resolve()
      .then(() => called(...given))
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(String(error)).toMatch(new RegExp(`^ArgumentError: ${name}\\(\\w+.*\\): \\w+ ${reason}$`));
  });

  test.each<[string, Called]>([
    ['new Linear', (weight) => new lowrank.Linear(weight as never)],
    ['new Embedding', (weight) => new lowrank.Embedding(weight as never)],
    ['new RMSNorm', (weight) => new lowrank.RMSNorm(weight as never)],
    ['new MLP', (projections) => new lowrank.MLP(projections as never)],
    ['new CausalSelfAttention', (projections, dim) => new lowrank.CausalSelfAttention(projections as never, dim as never)],
    ['new PeftModel', (model, type) => new lowrank.PeftModel(model as never, type as never)],
    ['new AdaptionPromptConfig', (options) => new lowrank.AdaptionPromptConfig(options as never)],
    ['llamaConfig', (options) => lowrank.LlamaForCausalLM.fromConfig(options as never)],
    ['PeftModel.fromPretrained', (model, folder) => lowrank.PeftModel.fromPretrained(model as never, folder as never)],
  ])('%s does', async (_name, called) => {
    const made = Promise.resolve().then(() => called(...given));
    await expect(made).rejects.toThrow(ArgumentError);
    await expect(made).rejects.toThrow(new RegExp(`\\): \\w+ ${reason}$`));
  });
});

describe('called from JavaScript with something else', () => {
  const ANYTHING = ['figure', 'show', 'table'];
  test.each(needy.filter(([name]) => !ANYTHING.includes(name)))('%s says what it takes, or works', async (_name, called) => {
    for (const wrong of [5, Symbol('s'), 10n, true]) {
      const error: unknown = await Promise.resolve()
        .then(() => called(...Array<unknown>(5).fill(wrong)))
        .catch((cause: unknown) => cause);
      expect(error instanceof Error && !(error instanceof lowrank.LowrankError) ? error : undefined, String(wrong)).toBeUndefined();
    }
  });

  test.each<[string, () => unknown, string]>([
    ['a number', () => lowrank.train(5 as never, []), 'train(model, batches): model is 5, not an object with loss and trainableParameters'],
    [
      'an empty object',
      () => lowrank.generate({} as never, [[1]]),
      'generate(model, inputIds): model is an object, not an object with forward and config',
    ],
    [
      'a text',
      () => lowrank.evaluateLoss({ loss: () => 0 } as never, 'x' as never),
      'batches is "x", not a list of objects with fields or a generator',
    ],
    ['a list', () => lowrank.countParameters([] as never), 'countParameters(module): module is a list, not an object with namedModules'],
    [
      'a tensor',
      () => lowrank.padBatch(lowrank.tf.scalar(1) as never, {} as never),
      'padBatch(examples, options): examples is a Tensor, not a list',
    ],
    ['a map', () => lowrank.readSafetensors(new Map() as never), 'readSafetensors(path): path is a Map, not a text'],
    [
      'numbers',
      () => lowrank.crossEntropy([[1, 2]] as never, [0] as never),
      'crossEntropy(logits, labels): logits is a list, not a tensor',
    ],
    [
      'null for options',
      () => lowrank.train({ loss: 0, trainableParameters: 0 } as never, [], null as never),
      'train(model, batches): argument 3 is null; leave it out',
    ],
    ['an environment', () => lowrank.findCluster(null as never), 'findCluster(environment): environment is null'],
    ['a stream', () => lowrank.terminalProgress(null as never), 'terminalProgress(stream): stream is null'],
    [
      'a base',
      () => new lowrank.LoraLinear({} as never),
      'new LoraLinear(baseLayer): baseLayer is an object, not an object with forward and namedModules',
    ],
    [
      'a bias',
      () => new lowrank.Linear(lowrank.tf.variable(lowrank.tf.ones([2, 3])), 5 as never),
      'new Linear(weight): bias is 5, not a tensor',
    ],
    ['a label', () => notebook.liveLoss(5 as never), 'liveLoss(label, options): label is 5, not a text'],
    ['a title', () => notebook.liveLoss('a', { title: 5 as never }), 'liveLoss(label, options): options.title is 5, not a text'],
    [
      'a language',
      () => review.hunkExample({ file: 'a', patch: '', code: '', line: 1, language: 5 } as never),
      'hunkExample(hunk): hunk.language is 5, not a text',
    ],
    [
      'a position',
      () => review.hunkExample({ file: 'a', patch: '', code: '', line: 1, codeStart: 'x' } as never),
      'hunkExample(hunk): hunk.codeStart is "x", not a number',
    ],
    [
      'a hunk without its line, which its id names',
      () => review.hunkExample({ file: 'a', patch: '', code: '' } as never),
      'hunkExample(hunk): hunk is an object, not an object with file and patch and code and line',
    ],
    ['nothing', () => Reflect.construct(lowrank.Tokenizer, []), 'Tokenizer.fromPretrained makes a tokenizer: definition is missing'],
    [
      'a path',
      () => Reflect.construct(lowrank.LlamaForCausalLM, ['model']),
      'LlamaForCausalLM.fromPretrained, fromConfig or fromTensors make a model: parts is "model"',
    ],
  ])('%s is named with what it should be', async (_what, called, text) => {
    await expect(Promise.resolve().then(called)).rejects.toRefuse(ArgumentError, text);
  });
});

describe('a title that is no text', () => {
  const charts = Object.entries({
    attentionMap: notebook.attentionMap,
    groupedBars: notebook.groupedBars,
    heatmaps: notebook.heatmaps,
    linePlot: notebook.linePlot,
    lossCurve: notebook.lossCurve,
    lossCurves: notebook.lossCurves,
    panels: notebook.panels,
    parameterBars: notebook.parameterBars,
    pointPlot: notebook.pointPlot,
    scorePlot: notebook.scorePlot,
    stackedBars: notebook.stackedBars,
    tradeoffBubbles: notebook.tradeoffBubbles,
  }) as [string, Called][];
  test.each(charts)('is refused by %s', (_name, chart) => {
    expect(() => chart([], { title: ['two', 'lines'] })).toRefuse(ArgumentError, 'options.title is a list, not a text');
  });
});

test('a function behind the door is the same function: its name, its length, its result and what it throws', () => {
  const fault = new TypeError('of its own');
  const add = (a: number, b: number, c = 0): number => {
    if (c > 1) throw fault;
    return a + b + c;
  };
  const { add: guarded } = behindDoor({ add }, { add: ['a: number', 'b: number'] });
  expect([guarded.name, guarded.length, guarded(1, 2), guarded(1, 2, 1)]).toEqual(['add', 2, 3, 4]);
  expect(() => guarded(1, 2, 2)).toThrow(fault);
  expect(() => guarded(1, null as never)).toThrow('add(a, b): b is null');
});

describe('a method of a public class called from JavaScript', () => {
  const model = lowrank.LlamaForCausalLM.fromConfig({
    vocabSize: 8,
    hiddenSize: 8,
    intermediateSize: 8,
    numHiddenLayers: 1,
    numAttentionHeads: 2,
  });
  const peft = lowrank.getPeftModel(model, new lowrank.LoraConfig({ r: 1 }));
  const [layer] = [...peft.namedModules()].map(([, module]) => module).filter((module) => module instanceof lowrank.LoraLinear);
  const owners = { peft, model, layer, optimizer: new lowrank.AdamW(), cache: new lowrank.KeyValueCache(1) };
  const call = (owner: keyof typeof owners, method: string, ...given: unknown[]) =>
    Reflect.apply(Reflect.get(owners[owner] as object, method), owners[owner], given);

  test.each<[keyof typeof owners, string, unknown[], string]>([
    ['model', 'replaceModule', [5, model], 'Module.replaceModule(path): path is 5, not a text'],
    ['model', 'forward', [[[1]], 5], 'LlamaForCausalLM.forward(…): options is 5, not an object with fields'],
    ['model', 'forward', [[[1]], null], 'LlamaForCausalLM.forward(…): argument 2 is null; leave it out'],
    ['peft', 'loss', [[[1]], [[1]], 5], 'PeftModel.loss(inputIds, labels): options is 5, not an object with fields'],
    ['peft', 'loadAdapter', [{}], 'PeftModel.loadAdapter(folder): folder is an object, not a text'],
    ['peft', 'disableAdapter', [], 'PeftModel.disableAdapter(fn): fn is missing'],
    ['peft', 'mergeAndUnload', [true], 'PeftModel.mergeAndUnload(): options is true, not an object with fields'],
    ['peft', 'mergeAdapter', [{ adapterNames: ['default', null] }], 'options.adapterNames[1] is null'],
    ['peft', 'mergeAdapter', [{ safeMerge: 1 }], 'options.safeMerge is 1, not true or false'],
    ['peft', 'addWeightedAdapter', [{ adapters: 'a', weights: [1], adapterName: 'b' }], 'options.adapters is "a", not a list of texts'],
    ['peft', 'addWeightedAdapter', [{ adapters: ['default'], adapterName: 'b' }], 'weights is missing'],
    ['layer', 'forward', [[1, 2]], 'LoraLinear.forward(x): x is a list, not a tensor'],
    ['optimizer', 'applyGradients', [{ a: 1 }, new Map()], 'AdamW.applyGradients(grads): grads["a"] is 1, not a tensor'],
    ['cache', 'selectRows', [[0]], 'this cache has 0 rows; there is no row 0'],
  ])('%s.%s%j is told what it takes', async (owner, method, given, text) => {
    await expect(Promise.resolve().then(() => call(owner, method, ...given))).rejects.toRefuse(ArgumentError, text);
  });

  const { tf } = lowrank;
  const text = { prompt: 'a', response: 'b' };
  test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    [
      'merged heads',
      () => lowrank.mergeHeads(tf.ones([2, 3]) as never),
      lowrank.ShapeError,
      'mergeHeads takes (batch, heads, tokens, width)',
    ],
    ['a width of heads', () => lowrank.splitHeads(tf.ones([1, 1, 4]), -2), lowrank.ShapeError, 'heads of -2'],
    ['labels', () => lowrank.crossEntropy(tf.ones([1, 4]), tf.tensor1d([1])), ArgumentError, 'a tensor of float32, not of int32'],
    [
      'ids of a tokenizer',
      () => lowrank.encodeExample({ encode: () => 'x' as never, eosTokenId: 0 }, text, { maxLength: 9 }),
      ArgumentError,
      'encode(text) of the tokenizer: ids is "x", not a list of numbers',
    ],
    ['data', () => lowrank.train(peft, () => 5 as never, { steps: 1 }), ArgumentError, 'the data of a run: batches is 5, not a list or'],
    [
      'rows of a batch',
      () => lowrank.train(peft, [{ inputIds: [Int32Array.of(1, 2)], labels: [[1, 2]] }] as never, { steps: 1 }),
      ArgumentError,
      'batch 0 of epoch 0 has no rows of inputIds: give lists of ids',
    ],
    [
      'groups of tensors',
      () => lowrank.saveCheckpoint('nowhere', { step: 1, state: null, tensors: { a: tf.scalar(1) as never } }),
      ArgumentError,
      'saveCheckpoint: tensors: a is a Tensor, not an object of tensors',
    ],
    ['betas', () => new lowrank.AdamW({ betas: 5 as never }), ArgumentError, 'betas is 5, not a list of numbers'],
    [
      'rows',
      () => Object.assign(peft, { dropoutRows: { first: 0 } }),
      ArgumentError,
      'dropoutRows: rows is an object, not an object with first',
    ],
    ['a step', () => Object.assign(peft, { dropoutStep: 0.5 }), ArgumentError, 'dropoutStep 0.5 is not a whole number from 0 up'],
    [
      'a rank',
      () => peft.addWeightedAdapter({ adapterName: 'b', adapters: ['default'], weights: [1], svdRank: 0.5 }),
      ArgumentError,
      'svdRank 0.5 is not a whole number',
    ],
    [
      'tokens',
      () => new lowrank.LoraConfig({ trainableTokenIndices: { embed: 5 } as never }),
      ArgumentError,
      '5 is not a list of token ids',
    ],
    ['a source', () => lowrank.LlamaForCausalLM.fromTensors(model.config, 5 as never), ArgumentError, 'source is 5, not a function'],
    ['a chunk', () => review.diffTextLines(['x'] as never).next(), ArgumentError, 'a chunk of this diff is not an array of bytes'],
  ])('%s that only the inside can judge are refused there', async (_what, called, fault, words) => {
    await expect(Promise.resolve().then(called)).rejects.toRefuse(fault, words);
  });

  test('works as it did where it is called rightly', () => {
    expect(lowrank.PeftModel.prototype.forward.name).toBe('forward');
    expect(lowrank.tf.tidy(() => peft.forward([[1, 2]], { adapterNames: ['default'], logitsToKeep: 1 }).shape)).toEqual([1, 1, 8]);
    expect(peft.disableAdapter(() => 3)).toBe(3);
  });
});

test('sets are lists, null is no mask, and bytes may come from another realm', () => {
  const rows = new Set([
    { inputIds: [1, 2], labels: [1, 2] },
    { inputIds: [3, 4], labels: [3, 4] },
  ]);
  expect(lowrank.makeBatches(rows as never, { batchSize: 2, padTokenId: 0 })[0]?.labels).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const bytes = vm.runInNewContext('new Uint8Array([0, 0, 128, 63])') as Uint8Array;
  expect(lowrank.toFloat32('F32', bytes)).toEqual(new Float32Array([1]));
  const { forward } = behindDoor({ forward: (options: object) => options }, { forward: ['options: {mask??: list, size?: number}'] });
  expect(forward({ mask: null })).toEqual({ mask: null });
  expect(() => forward({ size: null })).toThrow('forward(options): options.size is null');
});

test('one of several texts is asked for by name, and a value that holds itself is told', () => {
  expect(() => lowrank.toFloat32('F31' as never, new Uint8Array(4))).toThrow(
    /^toFloat32\(dtype, bytes\): dtype is "F31", not .* or F32 or /,
  );
  const ring: { own?: unknown } = {};
  ring.own = ring;
  expect(() => new lowrank.LoraConfig({ r: ring as never })).toThrow('rank [object Object] is not a whole number');
});
