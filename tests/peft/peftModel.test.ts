import {
  AdaptionPromptConfig,
  ArgumentError,
  countParameters,
  exportGgufLora,
  type GateKind,
  getPeftModel,
  KeyValueCache,
  LoraConfig,
  NotFiniteError,
  type PeftConfig,
  PeftModel,
  ShapeError,
  StateError,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { fill, IDS, LABELS, largestDifference, relativeError, tinyModel } from './tinyModel';

const temporary = temporaryFolder();

const LORA = () => new LoraConfig({ r: 2, loraAlpha: 6 });
const PREFIX = (gate?: GateKind) => new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2, ...(gate && { gate }) });
const KINDS: [string, () => PeftConfig][] = [
  ['LoRA on q and v', LORA],
  ['LoRA on everything linear', () => new LoraConfig({ r: 2, targetModules: 'all-linear' })],
  ['LoRA on embedding and head', () => new LoraConfig({ r: 2, targetModules: ['embed_tokens', 'lm_head'] })],
  ['DoRA', () => new LoraConfig({ r: 2, useDora: true })],
  ['a prefix with a scalar gate', () => PREFIX()],
  ['a prefix with a gate per head', () => PREFIX('perHead')],
  ['a prefix with a tanh gate per head', () => PREFIX('perHeadTanh')],
];

function gradients(model: PeftModel): Map<string, tf.Tensor> {
  const parameters = model.trainableParameters();
  const { grads, value } = tf.variableGrads(() => model.loss(IDS, LABELS), [...parameters.values()]);
  value.dispose();
  return new Map(Array.from(parameters, ([name, variable]) => [name, grads[variable.name] as tf.Tensor]));
}

const largest = (x: tf.Tensor | undefined) => x?.abs().max().dataSync()[0];

describe.each(KINDS)('%s', (_, config) => {
  test('starts as the base model', () => {
    const model = tinyModel();
    const before = model.forward(IDS);
    const peft = getPeftModel(model, config());
    const isDora = 'useDora' in config() && (config() as LoraConfig).useDora; // its norm is rounded
    expect(largestDifference(peft.forward(IDS), before)).toBeLessThan(isDora ? 1e-5 : Number.MIN_VALUE);
  });

  test('trains nothing but the adapter', () => {
    const peft = getPeftModel(tinyModel(), config());
    for (const name of peft.trainableParameters().keys()) expect(name).toMatch(/^base_model\.model\..*(lora_|adaption_)/);
    expect(countParameters(peft).trainable).toBe([...peft.trainableParameters().values()].reduce((sum, { size }) => sum + size, 0));
    for (const [name, variable] of peft.namedParameters()) expect(variable.trainable).toBe(/lora_|adaption_/.test(name));
  });

  test('moves every parameter in training that follows an evaluation', () => {
    const peft = getPeftModel(tinyModel(), config());
    peft.loss(IDS, LABELS).dispose();
    const before = new Map(Array.from(peft.trainableParameters(), ([name, variable]) => [name, variable.clone()]));
    const first = peft.loss(IDS, LABELS).dataSync()[0] ?? 0;
    for (let step = 0; step < 3; step++) {
      for (const [name, grad] of gradients(peft)) {
        const variable = peft.trainableParameters().get(name);
        tf.tidy(() => variable?.assign(variable.sub(grad.mul(0.1))));
      }
    }
    for (const [name, variable] of peft.trainableParameters())
      expect(largestDifference(variable, before.get(name) as tf.Tensor)).toBeGreaterThan(0);
    expect(peft.loss(IDS, LABELS).dataSync()[0]).toBeLessThan(first);
  });

  test('generates with the cache what it would without', async () => {
    const peft = getPeftModel(tinyModel(), config());
    fill(peft.trainableParameters().values());
    const prompt = IDS.map((row) => row.slice(0, 4));
    const written = await peft.generate(prompt, { maxNewTokens: 5, eosTokenId: [] });
    const whole = prompt.map((row, r) => [...row, ...(written[r] ?? [])]);
    const next = tf.tidy(() => peft.forward(whole).argMax<tf.Tensor2D>(-1).arraySync()); // each token sees those before it alone
    expect(next.map((row) => row.slice(3, -1))).toEqual(written);
  });

  test('gives with the cache the logits that it gives without', () => {
    const peft = getPeftModel(tinyModel(), config());
    fill(peft.trainableParameters().values());
    const whole = peft.forward(IDS);
    const cache = new KeyValueCache(3);
    const parts = [0, 1, 4, 5].map((start, index, starts) => {
      const ids = IDS.map((row) => row.slice(start, starts[index + 1] ?? row.length));
      return peft.forward(ids, { cache });
    });
    // Products of other shapes are rounded otherwise, by each processor in its own way: up to 1.5e-5 was seen.
    expect(relativeError(tf.concat(parts, 1), whole)).toBeLessThan(5e-5);
    cache.dispose();
  });

  test('is off inside disableAdapter, also across an await', async () => {
    const model = tinyModel();
    const before = model.forward(IDS);
    const peft = getPeftModel(model, config());
    fill(peft.trainableParameters().values());
    const adapted = peft.forward(IDS);
    expect(largestDifference(adapted, before)).toBeGreaterThan(0.01);
    expect(
      largestDifference(
        peft.disableAdapter(() => peft.forward(IDS)),
        before,
      ),
    ).toBe(0);
    const later = await peft.disableAdapter(async () => {
      await Promise.resolve();
      return peft.forward(IDS);
    });
    expect(largestDifference(later, before)).toBe(0);
    expect(() =>
      peft.disableAdapter(() => {
        throw new StateError('stop');
      }),
    ).toThrow('stop');
    expect(largestDifference(peft.forward(IDS), adapted)).toBe(0);
  });

  test('leaks nothing and goes away entirely', () => {
    const before = tf.memory().numTensors;
    const model = tinyModel();
    const base = tf.memory().numTensors;
    const peft = getPeftModel(model, config());
    const adapted = tf.memory().numTensors;
    peft.forward(IDS).dispose();
    for (const grad of gradients(peft).values()) grad.dispose();
    for (const weights of peft.attentions(IDS)) weights.dispose();
    peft.disableAdapter(() => peft.forward(IDS).dispose());
    expect(tf.memory().numTensors).toBe(adapted);
    expect(peft.unload()).toBe(model);
    expect(tf.memory().numTensors).toBe(base);
    getPeftModel(model, config()).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

type Text = () => Promise<number[][]>;

test('calls of disableAdapter nest and overlap: adapters act again, merged as before, when the last has ended', async () => {
  const peft = getPeftModel(tinyModel(), LORA());
  fill(peft.trainableParameters().values());
  const [adapted, base] = [peft.forward(IDS), tinyModel().forward(IDS)];
  const isBase = () => largestDifference(peft.forward(IDS), base) === 0;
  expect(
    peft.disableAdapter(() => {
      peft.disableAdapter(() => 1);
      return isBase();
    }),
  ).toBe(true);
  expect(largestDifference(peft.forward(IDS), adapted)).toBe(0);
  peft.mergeAdapter();
  const merged = peft.forward(IDS);
  let endFirst = () => {};
  const first = peft.disableAdapter(() => new Promise<void>((resolve) => (endFirst = resolve)));
  let endSecond = () => {};
  const second = peft.disableAdapter(() => new Promise<void>((resolve) => (endSecond = resolve)));
  endFirst();
  await first;
  expect(isBase()).toBe(true);
  endSecond();
  await second;
  expect(peft.mergedAdapters).toEqual(['default']);
  expect(largestDifference(peft.forward(IDS), merged)).toBe(0);
});

test('unload refuses while adapters are merged, for it gives back the base', () => {
  const model = tinyModel();
  const peft = getPeftModel(model, LORA());
  fill(peft.trainableParameters().values());
  peft.mergeAdapter();
  expect(() => peft.unload()).toRefuse(StateError, 'adapters are merged; call unmergeAdapter() first, or mergeAndUnload()');
  peft.unmergeAdapter();
  expect(largestDifference(peft.unload().forward(IDS), tinyModel().forward(IDS))).toBe(0);
});

test('a first adapter freezes the base, however it is put on', () => {
  const peft = new PeftModel(tinyModel(), 'LORA');
  peft.addAdapter('first', new LoraConfig({ r: 2, targetModules: ['q_proj'], modulesToSave: ['lm_head'] }));
  expect(peft.trainableParameters().size).toBe(0);
  peft.setAdapter('first');
  expect([...peft.trainableParameters().keys()].filter((name) => !name.includes('.first'))).toEqual([]);
  expect(peft.trainableParameters().size).toBe(2 * 3 + 1);
});

test('inside disableAdapter nothing is merged, unmerged or unloaded', () => {
  const peft = getPeftModel(tinyModel(), LORA());
  fill(peft.trainableParameters().values());
  peft.mergeAdapter();
  const ends = [() => peft.mergeAdapter(), () => peft.unmergeAdapter(), () => peft.unload(), () => peft.mergeAndUnload()];
  peft.disableAdapter(() => {
    for (const end of ends) expect(end).toRefuse(StateError, 'disableAdapter() is still running; wait for its end before');
    expect(largestDifference(peft.forward(IDS), tinyModel().forward(IDS))).toBe(0);
  });
  expect(peft.mergedAdapters).toEqual(['default']);
});

describe.each(KINDS.slice(0, 4))('%s', (_, config) => {
  test('gives merged what it gives unmerged, and the base back', () => {
    const peft = getPeftModel(tinyModel(), config());
    fill(peft.trainableParameters().values());
    const weights = () =>
      [...peft.model.namedParameters()].filter(([name]) => !/lora/.test(name)).map(([, weight]) => weight.dataSync().slice());
    const before = weights();
    const unmerged = peft.forward(IDS);
    peft.mergeAdapter();
    expect(peft.mergedAdapters).toEqual(['default']);
    expect(relativeError(peft.forward(IDS), unmerged)).toBeLessThan(1e-4);
    expect(
      largestDifference(
        peft.disableAdapter(() => peft.forward(IDS)),
        unmerged,
      ),
    ).toBeGreaterThan(0.01);
    expect(peft.mergedAdapters).toEqual(['default']);
    peft.unmergeAdapter();
    expect(weights()).toEqual(before);
    const plain = peft.mergeAndUnload();
    expect([...plain.namedModules()].some(([path]) => path.includes('base_layer'))).toBe(false);
    expect(relativeError(plain.forward(IDS), unmerged)).toBeLessThan(1e-4);
  });
});

test('a hundred merges and unmerges leave the base as it was, bit by bit', () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, targetModules: 'all-linear' }));
  fill(peft.trainableParameters().values());
  const weights = () => [...peft.namedParameters()].map(([name, weight]) => [name, weight.dataSync().slice()]);
  const before = weights();
  const numTensors = tf.memory().numTensors;
  for (let cycle = 0; cycle < 100; cycle++) {
    peft.mergeAdapter();
    peft.unmergeAdapter();
  }
  expect(weights()).toEqual(before);
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('with B at zero A has no gradient and B has; once B is not, both have', () => {
  const peft = getPeftModel(tinyModel(), LORA());
  for (const [name, grad] of gradients(peft)) {
    if (name.includes('lora_A')) expect(largest(grad)).toBe(0);
    else expect(largest(grad)).toBeGreaterThan(1e-4);
  }
  fill(peft.trainableParameters().values());
  for (const grad of gradients(peft).values()) expect(largest(grad)).toBeGreaterThan(1e-5);
});

test.each(['scalar', 'perHead', 'perHeadTanh'] as const)('with a %s gate at zero the prompt has no gradient and the gate has', (gate) => {
  const peft = getPeftModel(tinyModel(), PREFIX(gate));
  for (const [name, grad] of gradients(peft)) {
    if (name.endsWith('adaption_prompt')) expect(largest(grad)).toBe(0);
    else expect(grad.abs().min().dataSync()[0]).toBeGreaterThan(1e-5);
  }
  fill(peft.trainableParameters().values());
  for (const grad of gradients(peft).values()) expect(largest(grad)).toBeGreaterThan(1e-5);
});

test('biases that an adapter trains stay while it is disabled, and a warning says so', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const peft = getPeftModel(tinyModel({ attentionBias: true }), new LoraConfig({ r: 2, bias: 'lora_only' }));
  const biases = [...peft.trainableParameters().keys()].filter((name) => name.endsWith('bias'));
  expect(biases).toHaveLength(6);
  expect(biases[0]).toBe('base_model.model.model.layers.0.self_attn.q_proj.base_layer.bias');
  peft.disableAdapter(() => peft.forward(IDS).dispose());
  expect(warn).toHaveBeenCalledExactlyOnceWith("'default' leaves its trained biases in the base, which is not the model that was loaded");
  warn.mockRestore();
});

test.each(['pissa', 'olora'] as const)(
  'the residual of %s stays in the base, and a warning says so wherever the adapter does not act',
  async (initLoraWeights) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, initLoraWeights }));
    peft.disableAdapter(() => peft.forward(IDS).dispose());
    peft.forward(IDS, { adapterNames: ['default', '__base__', 'default'] }).dispose();
    await peft.generate(IDS, { adapterNames: ['__base__', '__base__', 'default'], maxNewTokens: 2 });
    peft.forward(IDS, { adapterNames: ['default', 'default', 'default'] }).dispose();
    const model = peft.unload();
    const left = `'default' leaves the residual of its '${initLoraWeights}' start in the base`;
    const text = `${left}, which is not the model that was loaded`;
    expect(warn.mock.calls.splice(0).flat()).toEqual([text, text]); // once for all passes, and when it is taken off
    getPeftModel(model, LORA()).savePretrained(temporary('on-residual'));
    expect(warn.mock.calls.flat()).toEqual([
      expect.stringContaining(`'default' is saved, but belongs to a base that has changed: ${left};`),
    ]);
    warn.mockRestore();
  },
);

test('an adapter that belongs to a residual is not saved, merged or exported alone in silence, and is right after the one that left it', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const warned = () => warn.mock.calls.splice(0).flat();
  const plain = new LoraConfig({ r: 2, initLoraWeights: false });
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, targetModules: ['up_proj'] }), { adapterName: 'early' });
  peft.addAdapter('taking', new LoraConfig({ r: 2, initLoraWeights: 'pissa' }));
  const left = "'taking' leaves the residual of its 'pissa' start in the base";
  expect(warned()).toEqual([`${left}, on which early from now on act too`]);
  peft.addAdapter('late', plain);
  peft.setAdapter('late');
  fill([...peft.trainableParameters().values()]);
  const expected = peft.forward(IDS);
  peft.savePretrained(temporary('residual'));
  const remedy = 'load that adapter before it, or merge both';
  expect(warned()).toEqual([`'late' is saved, but belongs to a base that has changed: ${left}; ${remedy}`]);
  expect(() => exportGgufLora(peft, temporary('late.gguf'), { adapterName: 'late' })).toRefuse(UnsupportedError, left);

  const outputsAfter = async (first: string) => {
    const again = await PeftModel.fromPretrained(tinyModel(), temporary(`residual/${first}`), { adapterName: first });
    if (first !== 'late') again.loadAdapter(temporary('residual/late'), { adapterName: 'late' });
    again.setAdapter('late');
    return again.forward(IDS);
  };
  expect(relativeError(await outputsAfter('taking'), expected)).toBeLessThan(1e-4);
  expect(relativeError(await outputsAfter('late'), expected)).toBeGreaterThan(0.01);

  peft.deleteAdapter('taking');
  warned();
  peft.savePretrained(temporary('residual'), { selectedAdapters: ['late'] });
  expect(warned()).toEqual([expect.stringContaining(left)]);
  warn.mockRestore();
});

test.each(['pissa', 'olora'] as const)(
  'a %s start is refused on a layer with another adapter, or with the residual of one',
  async (initLoraWeights) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const taking = new LoraConfig({ r: 2, initLoraWeights, targetModules: ['q_proj'] });
    const folder = temporary(initLoraWeights);
    getPeftModel(tinyModel(), taking).savePretrained(folder);
    const text = (state: string) => `takes its start out of 'model.layers.0.self_attn.q_proj', ${state}`;
    const expectRefused = (peft: PeftModel, state: string) => {
      const before = peft.forward(IDS);
      expect(() => peft.loadAdapter(folder, { adapterName: 'second' })).toRefuse(StateError, text(state));
      expect(() => peft.addAdapter('second', taking)).toRefuse(StateError, text(state));
      expect(largestDifference(peft.forward(IDS), before)).toBe(0);
    };
    const plain = getPeftModel(tinyModel(), LORA(), { adapterName: 'plain' });
    fill(plain.trainableParameters().values());
    expectRefused(plain, 'on which there are other adapters (plain)');
    plain.savePretrained(temporary('plain'));

    const peft = await PeftModel.fromPretrained(tinyModel(), folder, { adapterName: 'first' });
    expectRefused(peft, "which 'first' has left a residual of");
    expect(warn).not.toHaveBeenCalled();
    peft.loadAdapter(temporary('plain/plain'), { adapterName: 'plain' });
    expect(warn.mock.calls.splice(0).flat()).toEqual([
      `'plain' acts on a base that has changed, and is right only if it was trained on that: 'first' leaves the residual of its '${initLoraWeights}' start in the base`,
    ]);
    peft.setAdapter('plain');
    peft.deleteAdapter('first');
    expectRefused(peft, "which 'first' has left a residual of");
    const again = getPeftModel(peft.unload(), LORA(), { adapterName: 'plain' });
    again.deleteAdapter('plain');
    expectRefused(again, "which 'first' has left a residual of");
    warn.mockClear();
    again.loadAdapter(temporary('plain/plain'), { adapterName: 'plain' });
    expect(warn.mock.calls.flat()).toEqual([expect.stringContaining("'plain' acts on a base that has changed")]);
    warn.mockRestore();
  },
);

test('a start may be taken out of weights into which the first one was merged again', () => {
  const taking = new LoraConfig({ r: 2, initLoraWeights: 'pissa' });
  const model = getPeftModel(tinyModel(), taking).mergeAndUnload();
  expect(relativeError(getPeftModel(model, taking).forward(IDS), tinyModel().forward(IDS))).toBeLessThan(1e-4);
});

test('biases that an adapter stores itself do not depend on those that others have left', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const biased = (bias: 'all' | 'lora_only') => new LoraConfig({ r: 2, bias, targetModules: ['q_proj'] });
  const peft = getPeftModel(tinyModel({ attentionBias: true }), biased('all'), { adapterName: 'a' });
  for (let time = 0; time < 2; time++) {
    peft.deleteAdapter('a');
    peft.addAdapter('a', biased('all'));
  }
  peft.deleteAdapter('a');
  peft.addAdapter('b', biased('all'));
  warn.mockClear();
  peft.savePretrained(temporary('biased'), { selectedAdapters: ['b'] });
  expect(warn).not.toHaveBeenCalled();
  peft.deleteAdapter('b');
  peft.addAdapter('c', biased('lora_only'));
  const again = getPeftModel(peft.unload(), biased('lora_only'), { adapterName: 'd' });
  warn.mockClear();
  again.savePretrained(temporary('biased'));
  const left = "'a' leaves its trained biases in the base, and 'b' leaves its trained biases in the base";
  expect(warn.mock.calls.flat()).toEqual([expect.stringContaining(`a base that has changed: ${left}; load`)]);
  warn.mockRestore();
});

test('what adapters leave in the base is named when another one is merged and they are taken off', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, initLoraWeights: 'olora' }));
  peft.addAdapter('late', new LoraConfig({ r: 2 }));
  peft.mergeAndUnload({ adapterNames: ['late'] });
  expect(warn.mock.calls.flat()).toEqual([expect.stringContaining("'default' leaves the residual of its 'olora' start in the base")]);
  warn.mockRestore();
});

test('a warning names the biases that stay in the base beside that residual', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  getPeftModel(tinyModel({ attentionBias: true }), new LoraConfig({ r: 2, initLoraWeights: 'pissa', bias: 'all' })).unload();
  expect(warn.mock.calls.flat()).toEqual([
    expect.stringMatching(/ leaves the residual of its 'pissa' start and its trained biases in the base/),
  ]);
  warn.mockRestore();
});

test('what is no row of ids is refused with what it is', async () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  for (const ids of [[1, 2], 'text', undefined, [new Int32Array([1, 2])]] as never[]) {
    expect(() => peft.model.forward(ids)).toThrow(/^inputIds are .*, not rows: give a list of numbers for each text/);
    await expect(peft.model.generate(ids)).rejects.toThrow(ShapeError);
  }
  expect(() => peft.model.forward(IDS, { attentionMask: [1, 1] as never })).toThrow(/^attentionMask are \[1,1\], not rows/);
});

test('biases are trained with their adapter alone', () => {
  const peft = getPeftModel(tinyModel({ attentionBias: true }), new LoraConfig({ r: 2, bias: 'all' }));
  peft.addAdapter('other', LORA());
  expect([...peft.trainableParameters().keys()].filter((name) => name.endsWith('bias'))).toHaveLength(12);
  peft.setAdapter('other');
  expect([...peft.trainableParameters().keys()].filter((name) => name.endsWith('bias'))).toHaveLength(0);
  expect(() => peft.addAdapter('third', new LoraConfig({ bias: 'lora_only' }))).toThrow(StateError);
});

test("says in PEFT's words how much is trained", () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  getPeftModel(tinyModel(), LORA()).printTrainableParameters();
  expect(log).toHaveBeenCalledExactlyOnceWith('trainable params: 336 || all params: 7,488 || trainable%: 4.4872');
  log.mockRestore();
});

test("takes Hugging Face's names and camelCase alike, and the top layers for a prefix", () => {
  const names = (config: PeftConfig) => [...getPeftModel(tinyModel(), config).trainableParameters().keys()];
  expect(names(new LoraConfig({ targetModules: ['qProj', 'downProj'] }))).toEqual(
    names(new LoraConfig({ targetModules: ['q_proj', 'down_proj'] })),
  );
  expect(names(PREFIX())).toEqual([
    'base_model.model.model.layers.1.self_attn.adaption_prompt',
    'base_model.model.model.layers.1.self_attn.adaption_gate',
    'base_model.model.model.layers.2.self_attn.adaption_prompt',
    'base_model.model.model.layers.2.self_attn.adaption_gate',
  ]);
});

test('what does not fit is refused, by name, and the model stays as it was', () => {
  const model = tinyModel();
  const before = [...model.namedModules()].map(([path]) => path);
  const refused = (config: PeftConfig) => expect(() => getPeftModel(model, config));
  refused(new LoraConfig({ targetModules: ['query'] })).toThrow(
    new ArgumentError(
      'targetModules ["query"] match no module; this model has model, embed_tokens, self_attn, q_proj, k_proj, v_proj, o_proj, mlp, ' +
        'gate_proj, up_proj, down_proj, input_layernorm, post_attention_layernorm, norm, lm_head',
    ),
  );
  refused(new LoraConfig({ excludeModules: ['q_proj', 'v_proj'] })).toThrow('leave none of them');
  refused(new LoraConfig({ r: 9 })).toThrow('rank 9 is not in 1…8, the ranks of a (16, 8) weight');
  refused(new LoraConfig({ targetModules: ['q_proj', 'norm'] })).toThrow(UnsupportedError);
  refused(new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 4 })).toThrow("adapterLayers 4 is not in 1…3, this model's layers");
  refused(new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 1, targetModules: 'attn' })).toThrow('"attn" match no module');
  expect([...model.namedModules()].map(([path]) => path)).toEqual(before);
  expect([...model.namedParameters()].every(([, parameter]) => parameter.trainable)).toBe(true);
});

test('a prefix is refused over an output projection with a bias, which PEFT adds twice, and in a file too', async () => {
  const model = tinyModel({ attentionBias: true });
  expect(() => getPeftModel(model, PREFIX())).toThrow(UnsupportedError);
  const folder = temporary('biased');
  getPeftModel(tinyModel(), PREFIX()).savePretrained(folder);
  await expect(PeftModel.fromPretrained(model, folder)).rejects.toThrow("self_attn.o_proj' has a bias, which PEFT adds twice");
  expect(largestDifference(model.forward(IDS), tinyModel({ attentionBias: true }).forward(IDS))).toBe(0);
});

describe('several adapters', () => {
  test('DoRA acts alone on its layers, because the order of two would count', () => {
    const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, targetModules: ['q_proj'] }), { adapterName: 'plain' });
    peft.addAdapter('dora', new LoraConfig({ r: 2, targetModules: ['q_proj'], useDora: true }));
    peft.addAdapter('elsewhere', new LoraConfig({ r: 2, targetModules: ['v_proj'] }));
    for (const names of [
      ['plain', 'dora'],
      ['dora', 'plain'],
    ]) {
      expect(() => peft.setAdapter(names)).toThrow("'dora' is DoRA on 'model.layers.0.self_attn.q_proj', where 'plain' acts too");
      expect(peft.activeAdapters).toEqual(['plain']);
    }
    peft.setAdapter(['dora', 'elsewhere']);
    expect(peft.activeAdapters).toEqual(['dora', 'elsewhere']);
  });

  const pair = () => {
    const peft = getPeftModel(tinyModel(), LORA(), { adapterName: 'one' });
    peft.addAdapter('two', new LoraConfig({ r: 3, targetModules: ['q_proj', 'up_proj'] }), { seed: 1 });
    const variables = [...peft.namedParameters()].filter(([name]) => /lora_/.test(name)).map(([, variable]) => variable);
    fill(variables);
    return peft;
  };

  test('only the active one acts and trains', () => {
    const peft = pair();
    expect(peft.activeAdapters).toEqual(['one']);
    const one = peft.forward(IDS);
    expect([...peft.trainableParameters().keys()].every((name) => name.includes('.one.'))).toBe(true);
    peft.setAdapter('two');
    expect(largestDifference(peft.forward(IDS), one)).toBeGreaterThan(0.01);
    expect([...peft.trainableParameters().keys()].every((name) => name.includes('.two.'))).toBe(true);
    peft.setAdapter(['one', 'two']);
    expect(peft.trainableParameters().size).toBe(24);
    peft.setAdapter('one');
    expect(largestDifference(peft.forward(IDS), one)).toBe(0);
  });

  test('rows of one batch may use different ones', () => {
    const peft = pair();
    const mixed = peft.forward(IDS, { adapterNames: ['two', '__base__', 'one'] });
    const alone = (name: string, row: number) => {
      peft.setAdapter(name);
      return peft.forward(IDS.slice(row, row + 1));
    };
    expect(largestDifference(mixed.slice([0], [1]), alone('two', 0))).toBeLessThan(1e-5);
    expect(
      largestDifference(
        mixed.slice([1], [1]),
        peft.disableAdapter(() => peft.forward(IDS.slice(1, 2))),
      ),
    ).toBeLessThan(1e-5);
    expect(largestDifference(mixed.slice([2], [1]), alone('one', 2))).toBeLessThan(1e-5);
    expect(() => peft.forward(IDS, { adapterNames: ['one'] })).toThrow('adapterNames has 1 names for 3 rows');
    expect(() => peft.forward(IDS, { adapterNames: ['one', 'three', 'one'] })).toThrow("there is no adapter 'three'");
    const disabled = () => peft.disableAdapter(() => peft.forward(IDS, { adapterNames: ['one', 'two', 'one'] }));
    expect(disabled).toRefuse(StateError, 'adapterNames has no effect inside disableAdapter()');
    peft.mergeAdapter();
    expect(() => peft.forward(IDS, { adapterNames: ['one', 'two', 'one'] })).toThrow('call unmergeAdapter() first');
  });

  describe.each([true, false])('while texts are written, compile: %s', (compile) => {
    const prompt = IDS.slice(0, 1);
    const few = { maxNewTokens: 4, eosTokenId: [], compile };
    const generating = (config: PeftConfig) => {
      const peft = getPeftModel(tinyModel(), config, { adapterName: 'one' });
      peft.addAdapter('two', config, { seed: 1 });
      for (const [seed, name] of ['two', 'one'].entries()) {
        peft.setAdapter(name);
        fill(peft.trainableParameters().values(), 5 + seed);
      }
      return peft;
    };

    test.each<[string, PeftConfig, number]>([
      ['LoRA', new LoraConfig({ r: 4, targetModules: ['q_proj', 'v_proj', 'down_proj', 'embed_tokens'], modulesToSave: ['norm'] }), 4],
      ['a prefix', PREFIX(), 8], // its two adapters write the same for a while
    ])('each is of the adapters that were active at its call: %s', async (_, config, maxNewTokens) => {
      const written = { ...few, maxNewTokens };
      const peft = generating(config);
      const alone: Record<string, number[][]> = {};
      for (const name of ['one', 'two']) {
        peft.setAdapter(name);
        alone[name] = await peft.generate(prompt, written);
      }
      const base = await tinyModel().generate(prompt, written);
      expect(new Set([base, alone.one, alone.two].map(String)).size).toBe(3);
      const begun = ['one', 'two', 'one'].map((name) => {
        peft.setAdapter(name);
        return peft.generate(prompt, written);
      });
      begun.push(peft.disableAdapter(() => peft.generate(prompt, { ...written, maxNewTokens: 2 })));
      begun.push(peft.disableAdapter(() => peft.generate(prompt, written)));
      begun.push(peft.generate(prompt, { ...written, onToken: () => peft.setAdapter('two') })); // inside disableAdapter still
      expect(await Promise.all(begun)).toEqual([alone.one, alone.two, alone.one, base.map((row) => row.slice(0, 2)), base, base]);
      expect(peft.activeAdapters).toEqual(['two']);
      expect(await peft.generate(prompt, { ...written, onToken: () => peft.setAdapter('one') })).toEqual(alone.two);
      expect(await peft.generate(prompt, written)).toEqual(alone.one);
    });

    test('what would change them is refused, until they are there', async () => {
      const peft = generating(LORA());
      const changes: (() => unknown)[] = [
        () => peft.addAdapter('three', LORA()),
        () => peft.deleteAdapter('one'),
        () => peft.hotswapAdapter({}, { adapterName: 'one' }),
        () => peft.mergeAdapter(),
        () => peft.mergeAndUnload({ dtype: 'bfloat16' }),
        () => peft.unload(),
      ];
      const alone = await peft.generate(prompt, few);
      const running = peft.generate(prompt, few);
      for (const change of changes) expect(change).toRefuse(StateError, 'generate() is still running; await it before');
      expect(await running).toEqual(alone);
      peft.mergeAdapter();
      const ofMerged = peft.generate(prompt, few);
      const unmerging = [() => peft.unmergeAdapter(), () => peft.disableAdapter(() => 1)];
      for (const change of unmerging) expect(change).toRefuse(StateError, 'generate() is still running; await it before unmerging');
      await ofMerged;
      await expect(peft.generate([[-1]], few)).rejects.toThrow(); // which ends too
      peft.unmergeAdapter();
      expect(await peft.generate(prompt, few)).toEqual(alone);
    });
  });

  test.each([
    ['one that began beside it', (peft: PeftModel, short: Text, long: Text) => [peft.disableAdapter(short), long()]],
    ['one that it does not await', (peft: PeftModel, short: Text, long: Text) => peft.disableAdapter(() => [long(), short()]).reverse()],
  ])('merged adapters are merged again when the last text after disableAdapter is there: %s', async (_, begin) => {
    const peft = pair();
    peft.mergeAdapter();
    const merged = peft.forward(IDS);
    const text = (maxNewTokens: number) => () => peft.generate(IDS.slice(0, 1), { maxNewTokens, eosTokenId: [] });
    const [short] = begin(peft, text(2), text(12));
    expect(await short).toEqual(await tinyModel().generate(IDS.slice(0, 1), { maxNewTokens: 2, eosTokenId: [] }));
    expect(peft.mergedAdapters).toEqual([]);
    expect(() => peft.setAdapter('two')).toRefuse(StateError, 'adapters are merged');
    peft.disableAdapter(() => peft.forward(IDS).dispose());
    await vi.waitUntil(() => peft.mergedAdapters.length > 0);
    expect(peft.mergedAdapters).toEqual(['one']);
    expect(largestDifference(peft.forward(IDS), merged)).toBe(0);
  });

  test('a failure inside disableAdapter is told as it is, also while a text is written', async () => {
    const peft = pair();
    peft.mergeAdapter();
    const both = peft.disableAdapter(() => Promise.all([peft.generate([[-1]]), peft.generate(IDS.slice(0, 1), { maxNewTokens: 12 })]));
    await expect(both).rejects.toThrow(ArgumentError);
    await vi.waitUntil(() => peft.mergedAdapters.length > 0);
  });

  test('deleting one leaves the others, and its layers unwrapped', () => {
    const peft = pair();
    const one = peft.forward(IDS);
    peft.deleteAdapter('two');
    expect(Object.keys(peft.peftConfig)).toEqual(['one']);
    expect([...peft.namedParameters()].some(([name]) => /two|up_proj\.base_layer/.test(name))).toBe(false);
    expect(largestDifference(peft.forward(IDS), one)).toBe(0);
    expect(() => peft.deleteAdapter('two')).toThrow(StateError);
    peft.deleteAdapter('one');
    expect(peft.activeAdapters).toEqual([]);
    expect(largestDifference(peft.forward(IDS), tinyModel().forward(IDS))).toBe(0);
  });

  test('in a wrong state nothing is changed', () => {
    const peft = pair();
    expect(() => peft.addAdapter('two', LORA())).toThrow("there is an adapter 'two' already");
    expect(() => peft.addAdapter('a.b', LORA())).toThrow(ArgumentError);
    expect(() => peft.addAdapter('three', PREFIX())).toThrow('this model has LoRA adapters, to which ADAPTION_PROMPT cannot be added');
    expect(() => peft.setAdapter('three')).toThrow("there is no adapter 'three'; there is one, two");
    peft.mergeAdapter();
    expect(() => peft.addAdapter('three', LORA())).toThrow('call unmergeAdapter()');
    expect(() => peft.deleteAdapter('one')).toThrow('call unmergeAdapter()');
    expect(() => peft.setAdapter('two')).toRefuse(StateError, 'call unmergeAdapter() before activating one');
    expect(Object.keys(peft.peftConfig)).toEqual(['one', 'two']);
    expect(peft.activeAdapters).toEqual(['one']);
  });

  test('an adapter that is named twice is not merged twice', () => {
    const peft = pair();
    expect(() => peft.mergeAdapter({ adapterNames: ['one', 'one'] })).toRefuse(ArgumentError, 'an adapter is named twice: one, one');
    expect(peft.mergedAdapters).toEqual([]);
  });

  test('merging twice warns and does nothing', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const peft = pair();
    peft.mergeAdapter();
    const once = peft.forward(IDS);
    peft.mergeAdapter({ adapterNames: ['two'] });
    expect(largestDifference(peft.forward(IDS), once)).toBe(0);
    expect(warn).toHaveBeenCalledExactlyOnceWith('already merged: one; call unmergeAdapter() before merging again');
    warn.mockRestore();
  });

  test('adapters other than the merged ones are not taken into the plain model', () => {
    const peft = pair();
    peft.mergeAdapter();
    const merged = peft.forward(IDS);
    expect(() => peft.mergeAndUnload({ adapterNames: ['two'] })).toRefuse(
      StateError,
      'one is merged, not two; call unmergeAdapter() first',
    );
    expect(largestDifference(peft.mergeAndUnload({ adapterNames: ['one'] }).forward(IDS), merged)).toBe(0);
  });

  test('a safe merge that fails in one layer leaves every layer as it was', () => {
    const peft = pair();
    const before = peft.forward(IDS);
    const last = [...peft.namedParameters()].filter(([name]) => name.includes('lora_B.one')).at(-1)?.[1] as tf.Variable;
    const good = last.clone();
    last.assign(tf.fill(last.shape, Number.NaN));
    expect(() => peft.mergeAdapter({ safeMerge: true })).toThrow('the base is unchanged');
    expect(peft.mergedAdapters).toEqual([]);
    for (const dtype of [undefined, 'bfloat16'] as const) {
      peft.mergeAdapter();
      expect(() => peft.mergeAndUnload({ safeMerge: true, dtype })).toRefuse(NotFiniteError, 'the base is unchanged');
      expect(peft.mergedAdapters).toEqual([]);
    }
    last.assign(good);
    expect(largestDifference(peft.forward(IDS), before)).toBe(0);
  });

  test('prefixes act one at a time', () => {
    const peft = getPeftModel(tinyModel(), PREFIX(), { adapterName: 'one' });
    fill(peft.trainableParameters().values());
    const one = peft.forward(IDS);
    peft.addAdapter('two', new AdaptionPromptConfig({ adapterLen: 1, adapterLayers: 3 }));
    expect(largestDifference(peft.forward(IDS), one)).toBe(0);
    peft.setAdapter('two');
    expect(largestDifference(peft.forward(IDS), tinyModel().forward(IDS))).toBe(0);
    expect(peft.trainableParameters().size).toBe(6);
    expect(() => peft.setAdapter(['one', 'two'])).toThrow('one at a time');
    expect(() => peft.mergeAdapter()).toThrow(UnsupportedError);
    peft.deleteAdapter('two');
    expect(largestDifference(peft.forward(IDS), one)).toBe(0);
  });
});

test('dropout acts in training mode only, and never in generation', async () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, loraDropout: 0.5, initLoraWeights: false }));
  const loss = () => peft.loss(IDS, LABELS).dataSync()[0];
  const plain = loss();
  expect(loss()).toBe(plain);
  const written = await peft.generate(IDS, { maxNewTokens: 3 });
  peft.train();
  const [first, second] = [loss(), loss()];
  expect(first).not.toBe(plain);
  expect(second).not.toBe(first);
  expect(await peft.generate(IDS, { maxNewTokens: 3 })).toEqual(written);
  expect(() => peft.forward(IDS, { adapterNames: ['default', 'default', 'default'] })).toThrow('call eval() first');
  expect(peft.eval().loss(IDS, LABELS).dataSync()[0]).toBe(plain);
});

test('a pattern that no adapted layer takes is named once, and the others count', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const config = { r: 2, targetModules: ['q_proj'], rankPattern: { q_proj: 3, qproj: 4 }, alphaPattern: { v_proj: 8 } };
  const peft = getPeftModel(tinyModel(), new LoraConfig(config));
  expect([...peft.trainableParameters().values()][0]?.shape).toContain(3);
  expect(warn.mock.calls.flat()).toEqual([
    'rankPattern has "qproj", which does nothing here: no adapted layer matches it',
    'alphaPattern has "v_proj", which does nothing here: no adapted layer matches it',
  ]);
  warn.mockRestore();
});

test('entries of lists that match no module are named once, and the others count', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const config = {
    r: 2,
    targetModules: ['q_proj', 'k_porj'],
    excludeModules: ['layers.0.self_attn.q_proj', 'qproj'],
    layersToTransform: [0, 1, 9],
  };
  const peft = getPeftModel(tinyModel(), new LoraConfig(config));
  expect([...peft.trainableParameters().keys()]).toHaveLength(2); // A and B of q in layer 1
  expect(warn.mock.calls.flat()).toEqual([
    'targetModules has "k_porj", which does nothing here: no module matches it',
    'excludeModules has "qproj", which does nothing here: no module matches it',
    'layersToTransform has 9, which does nothing here: no module matches it',
  ]);
  warn.mockRestore();
});
