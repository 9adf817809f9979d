import { ArgumentError, convertRotaryLayout, getPeftModel, IA3Config, mergeReport, quantizeModel, tf, UnsupportedError } from 'lowrank';
import { expect, test } from 'vitest';
import { rotaryRows } from '../../../lib/lowrank/src/llama/rotaryLayout';
import { fill, golden, IDS, largestDifference, relativeError, tinyModel } from '../tinyModel';

test('scales the outputs of k and v and the inputs of down_proj, unless it is told otherwise', () => {
  const peft = getPeftModel(tinyModel(), new IA3Config());
  const shapes = Array.from(peft.trainableParameters(), ([name, { shape }]) => [name.split('.').slice(-4, -2).join('.'), shape]);
  const layer = [
    ['self_attn.k_proj', [8]],
    ['self_attn.v_proj', [8]],
    ['mlp.down_proj', [24]],
  ];
  expect(shapes).toEqual([...layer, ...layer, ...layer]);
  expect(new IA3Config({ targetModules: ['qProj'] }).feedforwardModules).toEqual([]);
  expect(new IA3Config({ targetModules: ['model.layers.0.mlp.down_proj'] }).feedforwardModules).toHaveLength(1);
});

test('starts as its base, or anywhere with initIa3Weights false, the same for the same seed', () => {
  const logits = (initIa3Weights: boolean, seed = 0) => getPeftModel(tinyModel(), new IA3Config({ initIa3Weights }), { seed }).forward(IDS);
  expect(relativeError(logits(true), golden('base/logits'))).toBeLessThan(1e-6);
  expect(relativeError(logits(false), golden('base/logits'))).toBeGreaterThan(0.1);
  expect(largestDifference(logits(false), logits(false))).toBe(0);
  expect(largestDifference(logits(false), logits(false, 1))).toBeGreaterThan(0.01);
});

test('an adapter that would scale the other side of a layer is refused, and nothing is changed', () => {
  const peft = getPeftModel(tinyModel(), new IA3Config());
  const before = [...peft.namedParameters()].length;
  const other = new IA3Config({ targetModules: ['down_proj'], feedforwardModules: [] });
  expect(() => peft.addAdapter('other', other)).toRefuse(
    UnsupportedError,
    /mlp\.down_proj' has its inputs scaled by default; it cannot have its outputs/,
  );
  expect([...peft.namedParameters()].length).toBe(before);
});

test.each([
  [{ feedforwardModules: ['up_proj'] }, /feedforwardModules 'up_proj' is none of the targetModules k_proj/],
  [{ initIa3Weights: 1 }, /initIa3Weights 1 is none of true, false/],
  [{ modulesToSave: 'lm_head' }, /is not a list of names/],
  [{ feedforward: ['down_proj'] }, /did you mean 'feedforwardModules'/],
])('the options %j are refused by name', (options, message) => {
  expect(() => new IA3Config(options as never)).toRefuse(ArgumentError, message);
});

test('all-linear is spelled out, and feedforward modules with it, so the file can be read again', () => {
  const config = new IA3Config({ targetModules: 'all-linear', excludeModules: ['down_proj', 'o_proj'] });
  const { targetModules, feedforwardModules } = getPeftModel(tinyModel(), config).peftConfig.default as IA3Config;
  expect(targetModules).toEqual(['q_proj', 'k_proj', 'v_proj', 'gate_proj', 'up_proj']);
  expect(feedforwardModules).toEqual([]);
  expect(() => new IA3Config({ targetModules, feedforwardModules })).not.toThrow();
});

test('goes on linear layers alone', () => {
  expect(() => getPeftModel(tinyModel(), new IA3Config({ targetModules: ['norm'] }))).toThrow(/is a RMSNorm; IA3 goes on linear layers/);
});

test('the factors of q and k move with the rotary layout, and no others', () => {
  const peft = getPeftModel(tinyModel(), new IA3Config());
  fill(peft.trainableParameters().values());
  const before = new Map(Array.from(peft.trainableParameters(), ([name, variable]) => [name, variable.dataSync().slice()]));
  convertRotaryLayout(peft, { from: 'meta', to: 'hf' });
  const order = rotaryRows(8, 4, 'hf');
  for (const [name, variable] of peft.trainableParameters()) {
    const values = before.get(name) ?? [];
    expect([...variable.dataSync()], name).toEqual(name.includes('k_proj') ? Array.from(order, (row) => values[row]) : [...values]);
  }
});

test('a merge report says what rounding costs, and nothing in float32', () => {
  const peft = getPeftModel(tinyModel(), new IA3Config());
  fill(peft.trainableParameters().values());
  const report = mergeReport(peft, { dtypes: ['float32', 'bfloat16'] });
  expect(report).toHaveLength(18);
  for (const { dtype, weightError, outputError } of report) {
    if (dtype === 'float32') expect([weightError, outputError]).toEqual([0, expect.closeTo(0, 5)]);
    else expect(weightError).toBeGreaterThan(1e-4);
    expect(outputError).toBeLessThan(0.02);
  }
});

test('a merge into a base of 8 bits is what the adapter computed, as well as 8 bits hold it, and is taken back', () => {
  const model = tinyModel();
  quantizeModel(model, 'int8');
  const peft = getPeftModel(model, new IA3Config());
  for (const variable of peft.trainableParameters().values()) variable.assign(tf.randomUniform(variable.shape, 0.5, 1.5, 'float32', 3));
  const unmerged = peft.forward(IDS);
  peft.mergeAdapter();
  expect(relativeError(peft.forward(IDS), unmerged)).toBeLessThan(0.03);
  peft.unmergeAdapter();
  expect(largestDifference(peft.forward(IDS), unmerged)).toBe(0);
});

test.each([
  [[], '1 adapters and 0 weights; give one weight for each'],
  [[Number.NaN], 'the weights NaN are not all finite'],
])('adapters are not combined with the weights %j', (weights, message) => {
  const peft = getPeftModel(tinyModel(), new IA3Config());
  expect(() => peft.addWeightedAdapter({ adapters: ['default'], weights, adapterName: 'sum' })).toThrow(message);
  expect(Object.keys(peft.peftConfig)).toEqual(['default']);
});

test('options of null are refused as those of the other methods are', () => {
  expect(() => new IA3Config(null as never)).toThrow(new ArgumentError('new IA3Config(options): options is null'));
});
