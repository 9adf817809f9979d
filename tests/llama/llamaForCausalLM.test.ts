import { ArgumentError, LlamaForCausalLM, ShapeError, StateError, tf } from 'lowrank';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isKernel } from '../../lib/lowrank/src/llama/parameterShapes';
import { expectClose, golden, goldenNames, leaked, rows, tinyModel, VARIANTS } from './golden';

describe.each(VARIANTS)('%s, as transformers computes it', (variant) => {
  let model: LlamaForCausalLM;
  beforeAll(async () => {
    model = await tinyModel(variant);
  });
  afterAll(() => model.dispose());

  test('logits', () => {
    expectClose(() => [model.forward(rows.ids), golden(`${variant}.logits`)]);
  });

  test('the loss, with its shift and without the positions labelled −100', () => {
    tf.tidy(() => {
      const expected = golden(`${variant}.loss`).dataSync()[0] ?? Number.NaN;
      const asTensors = [rows.ids, rows.labels].map((values) => tf.tensor2d(values, undefined, 'int32')) as [tf.Tensor2D, tf.Tensor2D];
      for (const loss of [model.loss(rows.ids, rows.labels), model.loss(...asTensors)]) {
        expect(Math.abs((loss.dataSync()[0] ?? Number.NaN) / expected - 1)).toBeLessThan(1e-5);
      }
    });
  });

  test('the gradient of every parameter', () => {
    const parameters = new Map(model.namedParameters());
    const { value, grads } = tf.variableGrads(() => model.loss(rows.ids, rows.labels), [...parameters.values()]);
    const names = goldenNames(`${variant}.gradients.`);
    expect([...parameters.keys()].sort()).toEqual([...names].sort());
    for (const [name, variable] of parameters) {
      const expected = () => golden(`${variant}.gradients.${name}`);
      const turned = () => (isKernel(name, variable.shape) ? expected().transpose() : expected());
      expectClose(() => [grads[variable.name] ?? tf.scalar(Number.NaN), turned()], 1e-5, name);
    }
    tf.dispose([value, grads]);
  });

  test('rows of different lengths, padded on the left', () => {
    const seen = () => tf.tensor(rows.mask).expandDims(2);
    expectClose(() => [model.forward(rows.padded, { attentionMask: rows.mask }).mul(seen()), golden(`${variant}.padded`).mul(seen())]);
  });

  test('what it writes on from each prompt, alone and in one padded batch', async () => {
    const options = { maxNewTokens: 12, eosTokenId: [] };
    const alone = [];
    for (const prompt of rows.prompts) alone.push(...(await model.generate([prompt], options)));
    expect(alone).toEqual(rows.generated[variant]);
    expect(await model.generate(rows.prompts, options)).toEqual(rows.generated[variant]);
  });
});

describe.each(['plain', 'linear', 'llama3'] as const)('%s', (variant) => {
  test("attention weights are transformers'", async () => {
    const model = await tinyModel(variant);
    const weights = model.attentions(rows.ids.slice(0, 1));
    expect(weights).toHaveLength(2);
    for (const [layer, actual] of weights.entries()) expectClose(() => [actual, golden(`${variant}.attentions.${layer}`)]);
    tf.dispose(weights);
    model.dispose();
  });
});

describe('a model', () => {
  let model: LlamaForCausalLM;
  beforeAll(async () => {
    model = await tinyModel('plain');
  });
  afterAll(() => model.dispose());

  test('gives as many of the last logits as are asked for', () => {
    const all = () => model.forward(rows.ids);
    expectClose(() => [model.forward(rows.ids, { logitsToKeep: 2 }), all().slice([0, 22, 0])], 1e-6);
    expectClose(() => [model.forward(rows.ids, { logitsToKeep: 100 }), all()], 0);
  });

  test('leaves no tensor behind, in any of its calls', async () => {
    const calls = [
      () => model.forward(rows.ids).dispose(),
      () => model.forward(rows.padded, { attentionMask: rows.mask }).dispose(),
      () => model.loss(rows.ids, rows.labels).dispose(),
      () => tf.dispose(model.attentions(rows.ids)),
      () => model.generate(rows.prompts, { maxNewTokens: 3 }),
      () => expect(() => model.forward([[40]])).toThrow(),
      () => expect(() => model.loss([[1]], [[40]])).toThrow(),
    ];
    for (const call of calls) expect(await leaked(call)).toBe(0);
    expect(await leaked(async () => (await tinyModel('biased')).dispose())).toBe(0);
  });

  test('has a loss of 0, with a gradient, where no label is left', () => {
    const ignored = rows.ids.map((row) => row.map(() => -100));
    const { value, grads } = tf.variableGrads(() => model.loss(rows.ids, ignored));
    expect(value.dataSync()[0]).toBe(0);
    for (const gradient of Object.values(grads)) expect(tf.tidy(() => gradient.abs().max().dataSync()[0])).toBe(0);
    tf.dispose([value, grads]);
  });

  test('sees nothing of later tokens', () => {
    const changed = rows.ids.map((row) => [...row.slice(0, 12), ...row.slice(12).map((id) => (id + 7) % 40)]);
    const head = (ids: number[][]) => model.forward(ids).slice([0, 0, 0], [3, 12, 40]);
    expectClose(() => [head(changed), head(rows.ids)], 1e-6);
  });

  test('refuses what does not fit it, by value and place', () => {
    expect(() => model.forward([[1, 40]])).toRefuse(ArgumentError, 'token id 40 at row 0, position 1 is not in the vocabulary, 0…39');
    expect(() => model.forward([[-1]])).toThrow('token id -1');
    expect(() => model.forward([[1.5]])).toThrow('token id 1.5');
    expect(() => model.forward([])).toThrow(ShapeError);
    expect(() => model.forward([[1, 2], [1]])).toThrow('row 1 has 1 values, row 0 has 2');
    const long = [Array.from({ length: 65 }, () => 1)];
    expect(() => model.forward(long)).toRefuse(ArgumentError, "65 tokens does not fit the model's 64 positions");
    expect(() => model.loss([[1, 2]], [[1]])).toThrow(ShapeError);
    expect(() => model.loss([[1, 2]], [[1, -1]])).toThrow('label -1 at row 0, position 1');
    expect(() => model.forward([[1, 2]], { attentionMask: [[1]] })).toThrow(ShapeError);
    expect(() => model.forward([[1, 2]], { attentionMask: [[1, 2]] })).toThrow('attentionMask is 2 at row 0, position 1');
    expect(() => model.forward([[1, 2]], { attentionMask: [[0, 0]] })).toThrow('hides every token of row 0');
  });

  test('is of no use once disposed of, and says so', async () => {
    const gone = await tinyModel('tied');
    gone.dispose();
    expect(() => gone.forward([[1]])).toThrow(StateError);
  });
});

test('a seed draws the same weights again, of the spread that was asked for, and another seed draws others', () => {
  const sizes = { vocabSize: 100, hiddenSize: 32, intermediateSize: 48, numHiddenLayers: 1, numAttentionHeads: 4, attentionBias: true };
  const draw = (seed: number) => LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.05 }, { seed });
  const models = [draw(3), draw(3), draw(4)];
  const [first, again, other] = models.map((model) => new Map(model.namedParameters()));
  for (const [name, variable] of first ?? []) {
    const values = (parameters?: Map<string, tf.Variable>) => [...(parameters?.get(name)?.dataSync() ?? [])];
    expect(values(again)).toEqual(values(first));
    if (name.endsWith('bias')) expect(new Set(values(first))).toEqual(new Set([0]));
    else if (name.includes('norm')) expect(new Set(values(first))).toEqual(new Set([1]));
    else {
      expect(values(other)).not.toEqual(values(first));
      const spread = tf.tidy(() => tf.moments(variable).variance.sqrt().dataSync()[0]);
      expect(spread).toBeGreaterThan(0.045);
      expect(spread).toBeLessThan(0.055);
    }
  }
  for (const model of models) model.dispose();
});

test('tensors given by name are taken over, and refused when one is missing or of another shape', async () => {
  const model = await tinyModel('plain');
  const parameters = new Map(model.namedParameters());
  const source = (name: string) => parameters.get(name)?.clone();
  const copy = LlamaForCausalLM.fromTensors(model.config, source);
  expectClose(() => [copy.forward(rows.ids), model.forward(rows.ids)], 0);
  const without = (missing: string) => () =>
    LlamaForCausalLM.fromTensors(model.config, (name) => (name === missing ? undefined : source(name)));
  const turned = () => LlamaForCausalLM.fromTensors(model.config, (name) => tf.tidy(() => source(name)?.transpose()));
  const leak = await leaked(() => {
    expect(without('model.norm.weight')).toThrow("no 'model.norm.weight'");
    expect(turned).toRefuse(ShapeError, "'model.embed_tokens.weight' has shape [16,40]; the configuration asks for [40,16]");
  });
  expect(leak).toBe(0);
  copy.dispose();
  model.dispose();
});
