import { convertRotaryLayout, getPeftModel, LoraConfig, type LoraOptions, PeftModel, StateError, UnsupportedError } from 'lowrank';
import { expect, test } from 'vitest';
import { rotaryRows } from '../../lib/lowrank/src/llama/rotaryLayout';
import { goldenFolder } from '../goldenFolder';
import { relativeError, rows, tinyModel } from '../llama/golden';
import { fill } from './tinyModel';

const golden = goldenFolder('rotary', 'logits.safetensors');
const [FOLDER, logits] = [golden.path(''), golden.tensor('logits')];

const values = (model: PeftModel) =>
  new Map(Array.from(model.namedParameters(), ([name, variable]) => [name, variable.dataSync<'float32'>().slice()]));

test("an adapter trained on Meta's weights gives Meta's logits here once its layout is converted", async () => {
  const model = await PeftModel.fromPretrained(await tinyModel('plain'), FOLDER);
  expect(relativeError(model.forward(rows.ids), logits)).toBeGreaterThan(0.01);
  convertRotaryLayout(model, { from: 'meta', to: 'hf' });
  expect(relativeError(model.forward(rows.ids), logits)).toBeLessThan(1e-5);
});

test('only B of q and k changes, and the way back restores it', async () => {
  const model = await PeftModel.fromPretrained(await tinyModel('plain'), FOLDER);
  const before = values(model);
  convertRotaryLayout(model, { from: 'meta', to: 'hf' });
  const changed = [...values(model)].filter(([name, data]) => data.join() !== before.get(name)?.join()).map(([name]) => name);
  expect(changed).toHaveLength(4);
  for (const name of changed) expect(name).toMatch(/[qk]_proj\.lora_B/);
  convertRotaryLayout(model, { from: 'hf', to: 'meta' });
  expect(values(model)).toEqual(before);
});

test("DoRA's magnitudes move with the rows that they belong to", async () => {
  const model = getPeftModel(await tinyModel('plain'), new LoraConfig({ r: 2, useDora: true, targetModules: ['q_proj', 'v_proj'] }));
  fill(model.trainableParameters().values());
  const before = values(model);
  convertRotaryLayout(model, { from: 'hf', to: 'meta' });
  const changed = [...values(model)].filter(([name, data]) => data.join() !== before.get(name)?.join()).map(([name]) => name);
  expect(changed.filter((name) => name.includes('lora_magnitude_vector'))).toHaveLength(2);
  for (const name of changed) expect(name).toMatch(/q_proj\.lora_(B|magnitude_vector)/);
});

test('the two orders of rows undo each other, head by head', () => {
  expect([...rotaryRows(8, 4, 'hf')]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
  expect([...rotaryRows(6, 6, 'hf')]).toEqual([0, 2, 4, 1, 3, 5]);
  expect([...rotaryRows(6, 6, 'meta')]).toEqual([0, 3, 1, 4, 2, 5]);
  const there = rotaryRows(24, 8, 'hf');
  const back = rotaryRows(24, 8, 'meta');
  expect([...there].map((row) => back[row])).toEqual([...there.keys()]);
});

test.each<LoraOptions>([{ modulesToSave: ['k_proj'] }, { bias: 'all' }, { bias: 'lora_only', targetModules: ['q_proj'] }])(
  'q and k that an adapter trains whole, or their biases, are not left in the old order: %j',
  async (options) => {
    const model = getPeftModel(await tinyModel('biased'), new LoraConfig({ r: 2, targetModules: ['v_proj'], ...options }));
    const before = values(model);
    expect(() => convertRotaryLayout(model, { from: 'meta', to: 'hf' })).toRefuse(
      UnsupportedError,
      /'default' trains '.*[qk]_proj\..*' itself/,
    );
    expect(values(model)).toEqual(before);
  },
);

test('a layout or an option with another name is refused', async () => {
  const model = await PeftModel.fromPretrained(await tinyModel('plain'), FOLDER);
  const convert = (conversion: object) => () => Reflect.apply(convertRotaryLayout, undefined, [model, conversion]);
  expect(convert({ from: 'meta', to: 'huggingface' })).toThrow('to "huggingface" is none of "hf", "meta"');
  expect(convert({ to: 'hf' })).toThrow('from undefined is none of');
  expect(convert({ from: 'meta', to: 'hf', adapter: 'x' })).toThrow("convertRotaryLayout has no option 'adapter'");
});

test('an adapter that is not there, or is merged, is not converted', async () => {
  const model = await PeftModel.fromPretrained(await tinyModel('plain'), FOLDER);
  expect(() => convertRotaryLayout(model, { from: 'meta', to: 'hf', adapterName: 'other' })).toThrow(StateError);
  model.mergeAdapter();
  expect(() => convertRotaryLayout(model, { from: 'meta', to: 'hf' })).toThrow(StateError);
});
