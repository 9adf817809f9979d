/** LoRA's configuration, in camelCase and with PEFT's defaults. */
import { toSnakeCase } from '../../nn';
import { ArgumentError, UnsupportedError } from '../../runtime';
import { checkNumber, checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { checkGiven } from '../../runtime/checks/door';
import { shown } from '../../runtime/messages/shown';
import { AdapterConfig, type FieldsOf } from '../config/adapterConfig';
import { checkLayers, choice, excluded, flag, layers, nameList, number, pattern, rank, share, targets } from '../config/fields';
import { CONFIG_FILE, type ConfigFields } from '../files/configFields';

const LORA_INITIALISATIONS = [true, false, 'gaussian', 'pissa', 'olora'] as const;
/** How A and B start: see {@link LoraConfig.initLoraWeights}. */
export type LoraInitialisation = (typeof LORA_INITIALISATIONS)[number];

const LORA_BIASES = ['none', 'all', 'lora_only'] as const;
/** Which biases are trained along: see {@link LoraConfig.bias}. */
export type LoraBias = (typeof LORA_BIASES)[number];

/** The fields of a {@link LoraConfig}; every one may be left out. */
export type LoraOptions = Partial<Pick<LoraConfig, Exclude<keyof LoraConfig, 'peftType'>>>;

/** Low-rank adaptation (Hu et al. 2021), as PEFT's `LoraConfig`. */
export class LoraConfig extends AdapterConfig {
  declare readonly peftType: 'LORA';
  /** Rank `r` of the update. @defaultValue 8 */
  declare readonly r: number;
  /** Numerator `α` of the scale `α/r`. @defaultValue 8 */
  declare readonly loraAlpha: number;
  /** Share of the branch's input that is dropped in training. @defaultValue 0 */
  declare readonly loraDropout: number;
  /**
   * Which layers to adapt: ends of module names (`q_proj`, or `qProj`), a regular expression for whole names, or
   * `all-linear` for every linear layer but the head. @defaultValue `['q_proj', 'v_proj']`
   */
  declare readonly targetModules: string | readonly string[];
  /** Names, or a regular expression, of layers to leave alone although they match. @defaultValue none */
  declare readonly excludeModules: string | readonly string[];
  /** Numbers of the decoder layers to adapt. @defaultValue all of them */
  declare readonly layersToTransform: readonly number[] | undefined;
  /** Other ranks for the layers whose names end in, or match, a key. @defaultValue {} */
  declare readonly rankPattern: Readonly<Record<string, number>>;
  /** Other alphas, as `rankPattern`. @defaultValue {} */
  declare readonly alphaPattern: Readonly<Record<string, number>>;
  /** Scale by `α/√r` in place of `α/r` (rank-stabilised LoRA, Kalajdzievski 2023). @defaultValue false */
  declare readonly useRslora: boolean;
  /** Train the direction by LoRA and the length of each output's weights on its own (DoRA, Liu et al. 2024). @defaultValue false */
  declare readonly useDora: boolean;
  /**
   * The start: `true` draws A as torch does a Linear and sets B to 0; `'gaussian'` draws A from N(0, 1/r²) and sets B to 0;
   * `false` draws both, so the update is not zero at first; `'pissa'` and `'olora'` take them out of the base weight, by its
   * singular vectors (Meng et al. 2024) or its QR factors (Büyükakyüz 2024). An embedding's A starts at 0 and its B from N(0, 1), for `false`
   * both from N(0, 1). @defaultValue true
   */
  declare readonly initLoraWeights: LoraInitialisation;
  /** Train no biases, all biases of the model, or those of the adapted layers. @defaultValue 'none' */
  declare readonly bias: LoraBias;
  /** Ends of the names of modules that are trained and saved whole. @defaultValue none */
  declare readonly modulesToSave: readonly string[];
  /**
   * Ids of tokens whose rows alone are trained, of the embedding or by the ends of layers' names, such as
   * `{ embed_tokens: [3, 5] }`. The output layer of a tied model follows the embedding's. @defaultValue none
   */
  declare readonly trainableTokenIndices: readonly number[] | Readonly<Record<string, readonly number[]>> | undefined;
  /**
   * Keeps the output layer tied to the embedding on a tied model: changes of one end by `modulesToSave` or
   * `trainableTokenIndices` also change the other, and the two are merged and saved tied. LoRA on a tied end is refused then.
   * @defaultValue false: each end changes alone
   */
  declare readonly ensureWeightTying: boolean;

  /** @throws ArgumentError for a value out of range or an unknown option. */
  constructor(options: LoraOptions = {}) {
    super('LORA', options, LORA_FIELDS, { rank: 'r', alpha: 'loraAlpha', dropout: 'loraDropout', targets: 'targetModules' });
    checkLayers(this);
    if (this.initLoraWeights === 'pissa') {
      const alpha = [this.loraAlpha, ...Object.values(this.alphaPattern)].find((each) => each <= 0);
      if (alpha !== undefined) throw new ArgumentError(`loraAlpha ${alpha}: 'pissa' starts from √(S/scale), so it must be above 0`);
    }
  }
}

/** `α/r`, or `α/√r` for rank-stabilised LoRA. */
export function scalingOf({ r, loraAlpha, useRslora }: LoraConfig): number {
  return useRslora ? loraAlpha / Math.sqrt(r) : loraAlpha / r;
}

export const LORA_FIELDS: FieldsOf<LoraConfig> = {
  r: rank(8),
  loraAlpha: number(8),
  loraDropout: share,
  targetModules: targets('q_proj', 'v_proj'),
  excludeModules: excluded,
  layersToTransform: layers,
  rankPattern: pattern((r) => checkWhole('rank', r)),
  alphaPattern: pattern((alpha) => checkNumber('loraAlpha', alpha)),
  useRslora: flag(false),
  useDora: flag(false),
  initLoraWeights: { fallback: true, check: (name, start) => checkOneOf(name, start, LORA_INITIALISATIONS), read: readStart },
  bias: choice(LORA_BIASES),
  modulesToSave: nameList,
  trainableTokenIndices: {
    check: (name, given) => {
      if (given !== undefined) checkGiven('a configuration', { [name]: given }, { [name]: 'list | object' });
      indexLists(given).forEach(checkTokens);
    },
    read: (fields, key) => fields.numberLists(key),
    write: writtenTokens,
  },
  ensureWeightTying: flag(false),
};

/** Starts that do not change the base: a loaded adapter is a plain LoRA. */
const PLAIN_STARTS = ['eva', 'orthogonal'];

function indexLists(given: LoraConfig['trainableTokenIndices']): readonly (readonly number[])[] {
  return given === undefined ? [] : isList(given) ? [given] : Object.values(given);
}

function isList(given: readonly number[] | Readonly<Record<string, readonly number[]>>): given is readonly number[] {
  return Array.isArray(given);
}

function checkTokens(indices: readonly number[]): void {
  if (!isList(indices)) throw new ArgumentError(`trainableTokenIndices: ${shown(indices)} is not a list of token ids`);
  const bad = indices.find((index, place) => !Number.isSafeInteger(index) || index < 0 || indices.indexOf(index) < place);
  if (bad !== undefined) throw new ArgumentError(`trainableTokenIndices: ${shown(bad)} is not a token id of at least 0, or appears twice`);
  if (indices.length === 0) throw new ArgumentError('trainableTokenIndices has an empty list: give at least one token id, or leave it out');
}

function readStart(fields: ConfigFields): LoraInitialisation {
  const text = fields.text('init_lora_weights').toLowerCase();
  const start = LORA_INITIALISATIONS.find((known) => JSON.stringify(known) === text);
  if (start !== undefined) return start;
  if (text === 'null' || PLAIN_STARTS.some((plain) => JSON.stringify(plain) === text)) return true;
  throw new UnsupportedError(
    `${CONFIG_FILE} has "init_lora_weights": ${text}; supported are ${LORA_INITIALISATIONS.join(', ')}; save it with PEFT as a plain LoRA, where PEFT can (path_initial_model_for_weight_conversion)`,
  );
}

/** A list unchanged; layer names in Hugging Face's spelling. */
function writtenTokens(given: LoraConfig['trainableTokenIndices']): unknown {
  if (given === undefined) return null;
  if (Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).map(([name, indices]) => [toSnakeCase(name), indices]));
}
