/** VeRA's configuration, in camelCase and with PEFT's defaults for LLaMA. */
import { AdapterConfig, type FieldsOf } from '../config/adapterConfig';
import { checkLayers, choice, flag, layers, nameList, number, rank, share, targets, whole } from '../config/fields';

const VERA_BIASES = ['none', 'all', 'vera_only'] as const;
/** The biases that are also trained: see {@link VeraConfig.bias}. */
export type VeraBias = (typeof VERA_BIASES)[number];

/** The fields of a {@link VeraConfig}; all are optional. */
export type VeraOptions = Partial<Pick<VeraConfig, Exclude<keyof VeraConfig, 'peftType'>>>;

/** VeRA (Kopiczko et al. 2023, arXiv 2310.11454), as PEFT's `VeraConfig`. */
export class VeraConfig extends AdapterConfig {
  declare readonly peftType: 'VERA';
  /** Rank `r` of the shared projections: higher than LoRA's, because it costs only r numbers per layer. @defaultValue 256 */
  declare readonly r: number;
  /**
   * Which linear layers to adapt: ends of module names (`q_proj`, or `qProj`), a regular expression for whole names, or
   * `all-linear` for every linear layer but the head. @defaultValue `['q_proj', 'v_proj']`
   */
  declare readonly targetModules: string | readonly string[];
  /** Numbers of the decoder layers to adapt. @defaultValue all of them */
  declare readonly layersToTransform: readonly number[] | undefined;
  /** Seed of the shared projections, which torch's generator of the same seed repeats. @defaultValue 0 */
  declare readonly projectionPrngKey: number;
  /** Whether the file contains the projections; otherwise a reader draws them again from the key. @defaultValue true */
  declare readonly saveProjection: boolean;
  /** Share of the branch's input that is dropped in training. @defaultValue 0 */
  declare readonly veraDropout: number;
  /** Initial value of the vector d; b starts at 0. @defaultValue 0.1 */
  declare readonly dInitial: number;
  /** The start: `false` sets b to 1 and draws d from N(0, 1), so the update is not zero at first. @defaultValue true */
  declare readonly initWeights: boolean;
  /** Train no biases, all biases of the model, or those of the adapted layers. @defaultValue 'none' */
  declare readonly bias: VeraBias;
  /** Ends of the names of modules that are trained and saved whole. @defaultValue none */
  declare readonly modulesToSave: readonly string[];

  /** @throws ArgumentError for a value out of range or an unknown option. */
  constructor(options: VeraOptions = {}) {
    super('VERA', options, VERA_FIELDS, { rank: 'r', dropout: 'veraDropout', targets: 'targetModules' });
    checkLayers(this);
  }
}

export const VERA_FIELDS: FieldsOf<VeraConfig> = {
  r: rank(256),
  targetModules: targets('q_proj', 'v_proj'),
  layersToTransform: layers,
  projectionPrngKey: whole(0, 0),
  saveProjection: flag(true),
  veraDropout: share,
  dInitial: number(0.1),
  initWeights: flag(true),
  bias: choice(VERA_BIASES),
  modulesToSave: nameList,
};
