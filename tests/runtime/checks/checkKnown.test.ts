import {
  AdaptionPromptConfig,
  ArgumentError,
  compile,
  generate,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  PeftModel,
  type tf,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { nearestName } from '../../../lib/lowrank/src/runtime/checks/checkKnown';
import { IDS, LABELS, tinyModel } from '../../peft/tinyModel';

describe('an option that there is not', () => {
  test.each([
    ['LoraConfig', { rank: 4 }, "'r'"],
    ['LoraConfig', { lora_alpha: 4 }, "'loraAlpha'"],
    ['LoraConfig', { alpha: 4 }, "'loraAlpha'"],
    ['LoraConfig', { dropout: 0.1 }, "'loraDropout'"],
    ['LoraConfig', { targetModule: ['q_proj'] }, "'targetModules'"],
  ])('%s names the nearest for %j', (_, options, nearest) => {
    expect(() => new LoraConfig(options as never)).toRefuse(ArgumentError, `did you mean ${nearest}?`);
  });

  const peft = () => getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  const wrong = { zzz: 1 } as never;
  test.each<[string, () => unknown]>([
    ['AdaptionPromptConfig', () => new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1, zzz: 1 } as never)],
    ['getPeftModel', () => getPeftModel(tinyModel(), new LoraConfig(), wrong)],
    ['addAdapter', () => peft().addAdapter('x', new LoraConfig(), wrong)],
    ['loadAdapter', () => peft().loadAdapter('nowhere', wrong)],
    ['PeftModel.fromPretrained', () => PeftModel.fromPretrained(tinyModel(), 'nowhere', wrong)],
    ['savePretrained', () => peft().savePretrained('nowhere', wrong)],
    ['mergeAdapter', () => peft().mergeAdapter(wrong)],
    ['mergeAndUnload', () => peft().mergeAndUnload(wrong)],
    ['forward', () => peft().forward(IDS, wrong)],
    ['loss', () => peft().loss(IDS, LABELS, wrong)],
    ['generate', () => peft().generate(IDS, wrong)],
    ['generate', () => generate(tinyModel() as never, IDS, wrong)],
    ['fromConfig', () => LlamaForCausalLM.fromConfig(tinyModel().config, wrong)],
    ['LlamaConfig', () => LlamaForCausalLM.fromConfig({ ...tinyModel().config, zzz: 1 } as never)],
    ['compile', () => compile((x: tf.Tensor) => x, wrong)],
  ])('%s refuses it', async (name, run) => {
    const error = await Promise.resolve()
      .then(run)
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(String(error)).toContain(`${name} has no option 'zzz'`);
  });
});

describe('a value of another type', () => {
  test.each([
    [{ loraDropout: '0.5' }, 'loraDropout "0.5" is not a finite number'],
    [{ loraAlpha: Number.POSITIVE_INFINITY }, 'loraAlpha Infinity'],
    [{ bias: 'some' }, 'bias "some" is none of "none", "all", "lora_only"'],
    [{ initLoraWeights: 'zeros' }, 'initLoraWeights "zeros"'],
    [{ useDora: 'yes' }, 'useDora "yes"'],
    [{ modulesToSave: 'lm_head' }, 'not a list'],
    [{ targetModules: 3 }, 'targetModules 3'],
    [{ layersToTransform: [-1] }, 'layersToTransform -1'],
    [{ r: '4' }, 'rank "4" is not a whole number'],
  ])('is named in LoraConfig(%j)', (options, text) => {
    expect(() => new LoraConfig(options as never)).toThrow(text);
  });

  test.each([
    [{ eosTokenId: 40 }, 'eosTokenId 40 is not in the vocabulary, 0…39'],
    [{ eosTokenId: -1 }, 'eosTokenId -1'],
    [{ eosTokenId: [2, Number.NaN] }, 'eosTokenId NaN'],
    [{ temperature: '1' }, 'temperature "1"'],
    [{ temperature: Number.NaN }, 'temperature NaN'],
    [{ topP: '0.5' }, 'topP "0.5"'],
    [{ seed: -1 }, 'seed -1'],
    [{ earlyStopping: 'maybe' }, 'earlyStopping "maybe"'],
    [{ precision: 'float16' }, 'precision "float16"'],
    [{ precision: 'bfloat16', compile: false }, 'leave compile on'],
  ])('is named in generate(%j)', async (options, text) => {
    await expect(tinyModel().generate(IDS, options as never)).rejects.toThrow(text);
  });

  test.each([0, -1, 1.5, Number.NaN, '2'])('is named in forward({ logitsToKeep: %j })', (logitsToKeep) => {
    expect(() => tinyModel().forward(IDS, { logitsToKeep } as never)).toThrow(ArgumentError);
  });

  test.each([
    { rmsNormEps: Number.POSITIVE_INFINITY },
    { ropeTheta: Number.NaN },
    { attentionBias: 'yes' },
    { eosTokenId: -1 },
    { padTokenId: Number.NaN },
    { initializerRange: '0.02' },
  ])('is named in a model of %j', (options) => {
    expect(() => LlamaForCausalLM.fromConfig({ ...tinyModel().config, ...options } as never)).toThrow(/LlamaConfig: \w+/);
  });

  test('a gate that there is not is named', () => {
    expect(() => new AdaptionPromptConfig({ adapterLen: 1, adapterLayers: 1, gate: 'tanh' } as never)).toThrow('gate "tanh" is none of');
  });
});

test.each([
  ['maxNewToken', 'maxNewTokens'],
  ['Seed', 'seed'],
  ['sede', 'seed'], // two letters exchanged are one mistake
  ['zzzz', undefined],
])('nearest to %s is %s', (name, nearest) => {
  expect(nearestName(name, ['maxNewTokens', 'seed', 'topK'])).toBe(nearest);
});

test('the beginning of a name stands for it where nothing is nearer', () => {
  expect(nearestName('max', ['base', 'max-length', 'max-hunks'])).toBe('max-length');
  expect(nearestName('bas', ['basement', 'base'])).toBe('base');
  expect(nearestName('', ['base'])).toBeUndefined();
});
