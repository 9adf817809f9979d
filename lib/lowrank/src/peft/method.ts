/** What a method of adaptation says about itself: an entry of the table in `methods.ts`. */
import type { Module } from '../nn';
import type { AdapterConfig, AdapterConfigOptions } from './adapterConfig';
import type { ConfigFields } from './files/configFields';
import type { Ability, Tuner } from './tuner';

/** Everything that the rest of the library asks of a method whose configuration is a `C` and whose tuner is a `T`. */
export interface PeftMethod<C extends AdapterConfig = AdapterConfig, T extends Tuner<C> = Tuner<C>> {
  /** What sentences call it: `LoRA` adapters. */
  readonly name: string;
  /** The tag that PEFT's model cards have for it. */
  readonly tag: string;
  /** Its configuration, which checks its own options. */
  readonly Config: new (
    options: never,
  ) => C;
  /** Puts its adapters on a model; owns the state that the model's layers share, and hands it to them. */
  readonly Tuner: new (
    model: Module,
  ) => T;
  /** Why it cannot do what its tuner has no member for; an error quotes it. */
  readonly lacks: Readonly<Record<Exclude<Ability, keyof T>, string>>;
  /** How its configuration lies in `adapter_config.json`. */
  readonly file: ConfigFileFields<C>;
  /** What `lowrank info` says of a configuration beside its method. */
  summary(config: C): Readonly<Record<string, string | number>>;
  /** How it is trained where nobody says otherwise. */
  trainingDefaults(run: DescribedRun): TrainingDefaults;
  /** What `lowrank train` offers of it. */
  readonly command: MethodCommand<C>;
}

/** The facts about a run on which good settings depend. */
export interface DescribedRun {
  /** Width C of the model. */
  readonly hiddenSize: number;
}

/** A method's own keys of `adapter_config.json`; those that all methods share are read and written elsewhere. */
export interface ConfigFileFields<C extends AdapterConfig> {
  /** @throws FormatError for a value of another type; UnsupportedError for a variant that this library does not have. */
  read(fields: ConfigFields, common: Required<AdapterConfigOptions>): C;
  /** Every key that PEFT writes, by its name. */
  write(config: C): Record<string, unknown>;
}

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export interface TrainingDefaults {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  /** Share of the updates over which the learning rate climbs. */
  readonly warmupShare: number;
}

/** A method as an option of a command. */
export interface MethodCommand<C extends AdapterConfig> {
  /** What `--method` calls it. */
  readonly name: string;
  /** Its own options: what stands for the value in the help, and the help. */
  readonly options: Readonly<Record<string, { readonly value: string; readonly help: string }>>;
  /** The configuration that the given options make. @throws UsageError when a value is not one of the option's. */
  configure(given: GivenOptions, base: CommandBase): C;
}

/** The options that were typed; each is undefined where it was not. */
export interface GivenOptions {
  whole(name: string, range?: { readonly least?: number; readonly most?: number }): number | undefined;
  number(name: string, range?: { readonly least?: number; readonly most?: number }): number | undefined;
}

/** The model that a command trains an adapter for. */
export interface CommandBase {
  readonly layers: number;
  readonly baseModelNameOrPath: string;
}
