/** IA3's configuration, in camelCase and with PEFT's defaults for LLaMA. */
import { toSnakeCase } from '../../nn';
import { ArgumentError } from '../../runtime';
import { AdapterConfig, type FieldsOf } from '../config/adapterConfig';
import { excluded, flag, nameList, names, targets } from '../config/fields';
import { leafName } from '../config/targets';

/** The fields of an {@link IA3Config}; all are optional. */
export type IA3Options = Partial<Pick<IA3Config, Exclude<keyof IA3Config, 'peftType'>>>;

/** IA3 (Liu et al. 2022, arXiv 2205.05638), as PEFT's `IA3Config`. */
export class IA3Config extends AdapterConfig {
  declare readonly peftType: 'IA3';
  /**
   * Which linear layers to adapt: ends of module names (`k_proj`, or `kProj`), a regular expression for whole names, or
   * `all-linear` for every linear layer but the head. @defaultValue `['k_proj', 'v_proj', 'down_proj']`
   */
  declare readonly targetModules: string | readonly string[];
  /**
   * The targets whose inputs are scaled instead of their outputs: ends of names, or a regular expression. @defaultValue `['down_proj']`, if
   * it is a target
   */
  declare readonly feedforwardModules: string | readonly string[];
  /** Names, or a regular expression, of layers to leave alone although they match. @defaultValue none */
  declare readonly excludeModules: string | readonly string[];
  /** Ends of the names of modules that are trained and saved whole. @defaultValue none */
  declare readonly modulesToSave: readonly string[];
  /** The start: `true` sets every factor to 1, so the model starts as its base; `false` draws them from N(0, 1). @defaultValue true */
  declare readonly initIa3Weights: boolean;

  /** @throws ArgumentError when a feedforward module is not a target, or for an unknown option. */
  constructor(options: IA3Options = {}) {
    super('IA3', withFeedforward(options), IA3_FIELDS, { targets: 'targetModules', initWeights: 'initIa3Weights' });
    checkFeedforward(this);
  }
}

export const IA3_FIELDS: FieldsOf<IA3Config> = {
  targetModules: targets('k_proj', 'v_proj', 'down_proj'),
  feedforwardModules: names,
  excludeModules: excluded,
  modulesToSave: nameList,
  initIa3Weights: flag(true),
};

/** With the default that depends on the targets; the check of the options comes after it. */
function withFeedforward(options: IA3Options): IA3Options {
  if (typeof options !== 'object' || options === null) return options;
  return { ...options, feedforwardModules: options.feedforwardModules ?? defaultFeedforward(options.targetModules) };
}

function defaultFeedforward(targets: IA3Options['targetModules']): readonly string[] {
  if (!Array.isArray(targets)) return ['down_proj'];
  return targets.filter((name) => typeof name === 'string' && leafName(toSnakeCase(name)) === 'down_proj');
}

/** As PEFT does, where both are lists. */
function checkFeedforward({ targetModules, feedforwardModules }: IA3Config): void {
  if (typeof targetModules === 'string' || typeof feedforwardModules === 'string') return;
  const targets = targetModules.map(toSnakeCase);
  const other = feedforwardModules.find((name) => !targets.includes(toSnakeCase(name)));
  if (other === undefined) return;
  throw new ArgumentError(`feedforwardModules '${other}' is none of the targetModules ${targets.join(', ')}: name it there too`);
}
