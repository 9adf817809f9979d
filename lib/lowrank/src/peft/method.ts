/** The description of a method: an entry of the table in `methods.ts`. */
import type { Module } from '../nn';
import type { AdapterConfig, FieldsOf } from './config/adapterConfig';
import type { OtherKeys } from './files/otherKeys';
import type { Ability, Tuner } from './tuner';

/** Everything that the library needs of a method with configuration `C` and tuner `T`. */
export interface PeftMethod<C extends AdapterConfig = AdapterConfig, T extends Tuner<C> = Tuner<C>> {
  /** Its name in sentences: `LoRA` adapters. */
  readonly name: string;
  /** Its tag in PEFT's model cards. */
  readonly tag: string;
  /** Its configuration, which checks its own options. */
  readonly Config: new (
    options: never,
  ) => C;
  /** Puts its adapters on a model; owns the state that the adapted layers share. */
  readonly Tuner: new (
    model: Module,
  ) => T;
  /** The reason for each ability that its tuner lacks; errors quote it. */
  readonly lacks: Readonly<Record<Exclude<Ability, keyof T>, string>>;
  /** The fields of its configuration, in `adapter_config.json` too. */
  readonly fields: FieldsOf<C>;
  /** PEFT's other keys in that file. */
  readonly otherKeys: OtherKeys;
  /** The facts that `lowrank info` shows besides the method. */
  summary(config: C): Readonly<Record<string, string | number>>;
  trainingDefaults(run: DescribedRun): TrainingDefaults;
  /** Its options in `lowrank train`. */
  readonly command: MethodCommand<C>;
}

/** The facts that decide the default settings. */
export interface DescribedRun {
  /** Width C of the model. */
  readonly hiddenSize: number;
}

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export interface TrainingDefaults {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  /** Share of the updates in the warm-up. */
  readonly warmupShare: number;
}

/** A method as an option of a command. */
export interface MethodCommand<C extends AdapterConfig> {
  /** Its name in `--method`. */
  readonly name: string;
  /** Its own options, each with a placeholder and a help text. */
  readonly options: Readonly<Record<string, { readonly value: string; readonly help: string }>>;
  /** The configuration from the given options. @throws UsageError for an invalid value. */
  configure(given: GivenOptions, base: CommandBase): C;
}

/** The given options; an option that was not given is undefined. */
export interface GivenOptions {
  whole(name: string): number | undefined;
  number(name: string, range?: { readonly least?: number; readonly most?: number }): number | undefined;
}

/** The model that a command trains an adapter for. */
export interface CommandBase {
  readonly layers: number;
  readonly baseModelNameOrPath: string;
}
