/** IA3's configuration, in camelCase and with PEFT's defaults for LLaMA. */
import { toSnakeCase } from '../../nn';
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkNames, checkOneOf } from '../../runtime/checks/checkValues';
import { AdapterConfig } from '../config/adapterConfig';
import { checkModulesToSave } from '../config/checkConfig';
import { leafName } from '../config/targets';

/** The fields of an {@link IA3Config}; all are optional. */
export type IA3Options = Partial<Pick<IA3Config, Exclude<keyof IA3Config, 'peftType'>>>;

/** IA3 (Liu et al. 2022, arXiv 2205.05638), as PEFT's `IA3Config`. */
export class IA3Config extends AdapterConfig {
  readonly peftType = 'IA3';
  /**
   * Which linear layers to adapt: ends of module names (`k_proj`, or `kProj`), a regular expression for whole names, or
   * `all-linear` for every linear layer but the head. @defaultValue `['k_proj', 'v_proj', 'down_proj']`
   */
  readonly targetModules: string | readonly string[];
  /**
   * The targets whose inputs are scaled instead of their outputs: ends of names, or a regular expression. @defaultValue `['down_proj']`, if
   * it is a target
   */
  readonly feedforwardModules: string | readonly string[];
  /** Names, or a regular expression, of layers to leave alone although they match. @defaultValue none */
  readonly excludeModules: string | readonly string[];
  /** Ends of the names of modules that are trained and saved whole. @defaultValue none */
  readonly modulesToSave: readonly string[];
  /** The start: `true` sets every factor to 1, so the model starts as its base; `false` draws them from N(0, 1). @defaultValue true */
  readonly initIa3Weights: boolean;

  /** @throws ArgumentError when a feedforward module is not a target, or for an unknown option. */
  constructor(options: IA3Options = {}) {
    super(options);
    this.targetModules = options.targetModules ?? ['k_proj', 'v_proj', 'down_proj'];
    this.feedforwardModules = options.feedforwardModules ?? defaultFeedforward(this.targetModules);
    this.excludeModules = options.excludeModules ?? [];
    this.modulesToSave = options.modulesToSave ?? [];
    this.initIa3Weights = options.initIa3Weights ?? true;
    checkKnown('IA3Config', options, Object.keys(this), { targets: 'targetModules', initWeights: 'initIa3Weights' });
    for (const names of ['targetModules', 'feedforwardModules', 'excludeModules'] as const) checkNames(names, this[names]);
    checkModulesToSave(this.modulesToSave);
    checkOneOf('initIa3Weights', this.initIa3Weights, [true, false]);
    checkFeedforward(this);
  }
}

function defaultFeedforward(targets: string | readonly string[]): readonly string[] {
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
