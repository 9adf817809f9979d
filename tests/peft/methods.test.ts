import {
  AdaptionPromptConfig,
  ArgumentError,
  getPeftModel,
  IA3Config,
  LoraConfig,
  methodDefaults,
  UnsupportedError,
  VeraConfig,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { configOf, methodOf, methods, type PeftType } from '../../lib/lowrank/src/peft/methods';
import { ABILITIES, type Ability } from '../../lib/lowrank/src/peft/tuner';
import { IDS, tinyModel } from './tinyModel';

const CONFIGS = {
  LORA: () => new LoraConfig({ r: 2 }),
  ADAPTION_PROMPT: () => new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 }),
  IA3: () => new IA3Config(),
  VERA: () => new VeraConfig({ r: 2 }),
} satisfies Record<PeftType, () => unknown>;
const NAMES = Object.keys(methods) as PeftType[];

const USES: Record<Ability, (peft: ReturnType<typeof getPeftModel>) => unknown> = {
  merging: (peft) => peft.mergeAdapter(),
  combining: (peft) => peft.addWeightedAdapter({ adapters: ['default'], weights: [1], adapterName: 'mix' }),
  mixing: (peft) => peft.forward(IDS, { adapterNames: ['default', '__base__', 'default'] }),
  swapping: (peft) =>
    peft.hotswapAdapter(
      Object.fromEntries(Array.from(peft.adapterTensors('default'), ([name]) => [`base_model.model.${name}`, peft.model])) as never,
    ),
};

describe.each(NAMES)('the method %s', (peftType) => {
  test('makes its own configurations, which make the same tuner', () => {
    const config = CONFIGS[peftType]();
    expect(config.peftType).toBe(peftType);
    expect(config).toBeInstanceOf(methodOf(peftType).Config);
    expect(configOf({ ...config } as never)).toEqual(config);
  });

  test.each(Object.keys(ABILITIES) as Ability[])('can be used for %s, or says by name why it cannot', (ability) => {
    const { name, lacks } = methodOf(peftType);
    const { [ability]: reason }: Partial<Record<Ability, string>> = lacks;
    const peft = getPeftModel(tinyModel(), CONFIGS[peftType]());
    const use = () => USES[ability](peft);
    if (reason === undefined) return expect(use).not.toThrow(UnsupportedError);
    expect(use).toRefuse(UnsupportedError, `${name} adapters cannot be ${ABILITIES[ability]}: ${reason}`);
  });

  test('has training defaults, and an option of the command that makes its configuration', () => {
    const { trainingDefaults, command, summary } = methodOf(peftType);
    const { learningRate, betas, warmupShare } = trainingDefaults({ hiddenSize: 64 });
    for (const value of [learningRate, ...betas, warmupShare]) expect(value > 0 && value < 1).toBe(true);
    const nothing = { whole: () => undefined, number: () => undefined };
    const config = command.configure(nothing, { layers: 3, baseModelNameOrPath: 'base' });
    expect(config).toMatchObject({ peftType, baseModelNameOrPath: 'base' });
    expect(Object.keys(summary(config)).length).toBeGreaterThan(0);
  });

  test('refuses the configuration of any other method on its model', () => {
    const peft = getPeftModel(tinyModel(), CONFIGS[peftType]());
    for (const other of NAMES.filter((each) => each !== peftType)) {
      expect(() => peft.addAdapter('other', CONFIGS[other]())).toThrow(ArgumentError);
      expect(() => peft.addAdapter('other', CONFIGS[other]())).toThrow(
        `this model has ${methodOf(peftType).name} adapters, to which ${other} cannot be added`,
      );
    }
    expect(Object.keys(peft.peftConfig)).toEqual(['default']);
  });
});

test('a method that is not in the table is refused, wherever it is asked for, with those that are', () => {
  const listed = NAMES.join(' and ');
  expect(() => methodOf('BOFT')).toThrow(`peft_type "BOFT" is not supported; ${listed} are`);
  expect(() => methodOf('constructor')).toThrow(UnsupportedError);
  expect(() => methodDefaults({ peftType: 'BOFT' as never })).toThrow(UnsupportedError);
});
