/** VeRA's configuration, in camelCase and with PEFT's defaults for LLaMA. */
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkNames, checkNumber, checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { AdapterConfig } from '../config/adapterConfig';
import { checkDropout, checkLayers, checkModulesToSave } from '../config/checkConfig';

export const VERA_BIASES = ['none', 'all', 'vera_only'] as const;
/** The biases that are also trained: see {@link VeraConfig.bias}. */
export type VeraBias = (typeof VERA_BIASES)[number];

/** The fields of a {@link VeraConfig}; all are optional. */
export type VeraOptions = Partial<Pick<VeraConfig, Exclude<keyof VeraConfig, 'peftType'>>>;

/** VeRA (Kopiczko et al. 2023, arXiv 2310.11454), as PEFT's `VeraConfig`. */
export class VeraConfig extends AdapterConfig {
  readonly peftType = 'VERA';
  /** Rank `r` of the shared projections: higher than LoRA's, because it costs only r numbers per layer. @defaultValue 256 */
  readonly r: number;
  /**
   * Which linear layers to adapt: ends of module names (`q_proj`, or `qProj`), a regular expression for whole names, or
   * `all-linear` for every linear layer but the head. @defaultValue `['q_proj', 'v_proj']`
   */
  readonly targetModules: string | readonly string[];
  /** Numbers of the decoder layers to adapt. @defaultValue all of them */
  readonly layersToTransform: readonly number[] | undefined;
  /** Seed of the shared projections, which torch's generator of the same seed repeats. @defaultValue 0 */
  readonly projectionPrngKey: number;
  /** Whether the file contains the projections; otherwise a reader draws them again from the key. @defaultValue true */
  readonly saveProjection: boolean;
  /** Share of the branch's input that is dropped in training. @defaultValue 0 */
  readonly veraDropout: number;
  /** Initial value of the vector d; b starts at 0. @defaultValue 0.1 */
  readonly dInitial: number;
  /** The start: `false` sets b to 1 and draws d from N(0, 1), so the update is not zero at first. @defaultValue true */
  readonly initWeights: boolean;
  /** Train no biases, all biases of the model, or those of the adapted layers. @defaultValue 'none' */
  readonly bias: VeraBias;
  /** Ends of the names of modules that are trained and saved whole. @defaultValue none */
  readonly modulesToSave: readonly string[];

  /** @throws ArgumentError for a value out of range or an unknown option. */
  constructor(options: VeraOptions = {}) {
    super(options);
    this.r = options.r ?? 256;
    this.targetModules = options.targetModules ?? ['q_proj', 'v_proj'];
    this.layersToTransform = options.layersToTransform;
    this.projectionPrngKey = options.projectionPrngKey ?? 0;
    this.saveProjection = options.saveProjection ?? true;
    this.veraDropout = options.veraDropout ?? 0;
    this.dInitial = options.dInitial ?? 0.1;
    this.initWeights = options.initWeights ?? true;
    this.bias = options.bias ?? 'none';
    this.modulesToSave = options.modulesToSave ?? [];
    checkKnown('VeraConfig', options, Object.keys(this), { rank: 'r', dropout: 'veraDropout', targets: 'targetModules' });
    checkWhole('rank', this.r);
    checkWhole('projectionPrngKey', this.projectionPrngKey, 0);
    checkDropout('veraDropout', this.veraDropout);
    checkNumber('dInitial', this.dInitial);
    for (const flag of ['saveProjection', 'initWeights'] as const) checkOneOf(flag, this[flag], [true, false]);
    checkOneOf('bias', this.bias, VERA_BIASES);
    checkNames('targetModules', this.targetModules);
    checkModulesToSave(this.modulesToSave);
    checkLayers(this);
  }
}
