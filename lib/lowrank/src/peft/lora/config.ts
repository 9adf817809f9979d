/** LoRA's configuration, in camelCase and with PEFT's defaults. */
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkNames, checkNumber, checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { AdapterConfig } from '../config/adapterConfig';
import { checkDropout, checkLayers, checkModulesToSave } from '../config/checkConfig';

export const LORA_INITIALISATIONS = [true, false, 'gaussian', 'pissa', 'olora'] as const;
/** How A and B start: see {@link LoraConfig.initLoraWeights}. */
export type LoraInitialisation = (typeof LORA_INITIALISATIONS)[number];

export const LORA_BIASES = ['none', 'all', 'lora_only'] as const;
/** Which biases are trained along: see {@link LoraConfig.bias}. */
export type LoraBias = (typeof LORA_BIASES)[number];

/** The fields of a {@link LoraConfig}; every one may be left out. */
export type LoraOptions = Partial<Pick<LoraConfig, Exclude<keyof LoraConfig, 'peftType'>>>;

/** Low-rank adaptation (Hu et al. 2021), as PEFT's `LoraConfig`. */
export class LoraConfig extends AdapterConfig {
  readonly peftType = 'LORA';
  /** Rank `r` of the update. @defaultValue 8 */
  readonly r: number;
  /** Numerator `α` of the scale `α/r`. @defaultValue 8 */
  readonly loraAlpha: number;
  /** Share of the branch's input that is dropped in training. @defaultValue 0 */
  readonly loraDropout: number;
  /**
   * Which layers to adapt: ends of module names (`q_proj`, or `qProj`), a regular expression for whole names, or
   * `all-linear` for every linear layer but the head. @defaultValue `['q_proj', 'v_proj']`
   */
  readonly targetModules: string | readonly string[];
  /** Names, or a regular expression, of layers to leave alone although they match. @defaultValue none */
  readonly excludeModules: string | readonly string[];
  /** Numbers of the decoder layers to adapt. @defaultValue all of them */
  readonly layersToTransform: readonly number[] | undefined;
  /** Other ranks for the layers whose names end in, or match, a key. @defaultValue {} */
  readonly rankPattern: Readonly<Record<string, number>>;
  /** Other alphas, as `rankPattern`. @defaultValue {} */
  readonly alphaPattern: Readonly<Record<string, number>>;
  /** Scale by `α/√r` in place of `α/r` (rank-stabilised LoRA, Kalajdzievski 2023). @defaultValue false */
  readonly useRslora: boolean;
  /** Train the direction by LoRA and the length of each output's weights on its own (DoRA, Liu et al. 2024). @defaultValue false */
  readonly useDora: boolean;
  /**
   * The start: `true` draws A as torch does a Linear and sets B to 0; `'gaussian'` draws A from N(0, 1/r²) and sets B to 0;
   * `false` draws both, so the update is not zero at first; `'pissa'` and `'olora'` take them out of the base weight, by its
   * singular vectors (Meng et al. 2024) or its QR factors (Büyükakyüz 2024). @defaultValue true
   */
  readonly initLoraWeights: LoraInitialisation;
  /** Train no biases, all biases of the model, or those of the adapted layers. @defaultValue 'none' */
  readonly bias: LoraBias;
  /** Ends of the names of modules that are trained and saved whole. @defaultValue none */
  readonly modulesToSave: readonly string[];
  /**
   * Ids of tokens whose rows alone are trained, of the embedding or by the ends of layers' names, such as
   * `{ embed_tokens: [3, 5] }`. The output layer of a tied model follows the embedding's. @defaultValue none
   */
  readonly trainableTokenIndices: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined;
  /**
   * Keeps the output layer tied to the embedding on a tied model: changes of one end by `modulesToSave` or
   * `trainableTokenIndices` also change the other, and the two are merged and saved tied. LoRA on a tied end is refused then.
   * @defaultValue false: each end changes alone
   */
  readonly ensureWeightTying: boolean;

  /** @throws ArgumentError for a value out of range or an unknown option. */
  constructor(options: LoraOptions = {}) {
    super(options);
    this.r = options.r ?? 8;
    this.loraAlpha = options.loraAlpha ?? 8;
    this.loraDropout = options.loraDropout ?? 0;
    this.targetModules = options.targetModules ?? ['q_proj', 'v_proj'];
    this.excludeModules = options.excludeModules ?? [];
    this.layersToTransform = options.layersToTransform;
    this.rankPattern = options.rankPattern ?? {};
    this.alphaPattern = options.alphaPattern ?? {};
    this.useRslora = options.useRslora ?? false;
    this.useDora = options.useDora ?? false;
    this.initLoraWeights = options.initLoraWeights ?? true;
    this.bias = options.bias ?? 'none';
    this.modulesToSave = options.modulesToSave ?? [];
    this.trainableTokenIndices = options.trainableTokenIndices;
    this.ensureWeightTying = options.ensureWeightTying ?? false;
    checkKnown('LoraConfig', options, Object.keys(this), {
      rank: 'r',
      alpha: 'loraAlpha',
      dropout: 'loraDropout',
      targets: 'targetModules',
    });
    for (const indices of indexLists(this.trainableTokenIndices)) checkTokens(indices);
    for (const r of [this.r, ...Object.values(this.rankPattern)]) checkWhole('rank', r);
    for (const alpha of [this.loraAlpha, ...Object.values(this.alphaPattern)]) checkNumber('loraAlpha', alpha);
    checkDropout('loraDropout', this.loraDropout);
    checkOneOf('bias', this.bias, LORA_BIASES);
    checkOneOf('initLoraWeights', this.initLoraWeights, LORA_INITIALISATIONS);
    for (const flag of ['useRslora', 'useDora', 'ensureWeightTying'] as const) checkOneOf(flag, this[flag], [true, false]);
    for (const names of ['targetModules', 'excludeModules'] as const) checkNames(names, this[names]);
    checkModulesToSave(this.modulesToSave);
    checkLayers(this);
  }
}

function indexLists(given: LoraConfig['trainableTokenIndices']): readonly (readonly number[])[] {
  return given === undefined ? [] : isList(given) ? [given] : Object.values(given);
}

function isList(given: readonly number[] | Readonly<Record<string, readonly number[]>>): given is readonly number[] {
  return Array.isArray(given);
}

function checkTokens(indices: readonly number[]): void {
  const bad = indices.find((index, place) => !Number.isSafeInteger(index) || index < 0 || indices.indexOf(index) < place);
  if (bad !== undefined) throw new ArgumentError(`trainableTokenIndices: ${bad} is not a token id of at least 0, or appears twice`);
  if (indices.length === 0) throw new ArgumentError('trainableTokenIndices has an empty list: give at least one token id, or leave it out');
}
