/** The part that the configurations of all methods share. */

/** The options of every method. */
export interface AdapterConfigOptions {
  /** Where the base model comes from, written into the adapter's file. @defaultValue null */
  readonly baseModelNameOrPath?: string | null;
  /** PEFT's name of the task, written into the adapter's file. @defaultValue 'CAUSAL_LM' */
  readonly taskType?: string | null;
}

/** The base of every method's configuration: plain values, with PEFT's names in camelCase. */
export abstract class AdapterConfig {
  /** PEFT's name of the method, and its key in the table of methods. */
  abstract readonly peftType: string;
  /** Where the base model comes from, written into the adapter's file. @defaultValue null */
  readonly baseModelNameOrPath: string | null;
  /** PEFT's name of the task, written into the adapter's file. @defaultValue 'CAUSAL_LM' */
  readonly taskType: string | null;

  protected constructor({ baseModelNameOrPath, taskType }: AdapterConfigOptions) {
    this.baseModelNameOrPath = baseModelNameOrPath ?? null;
    this.taskType = taskType === undefined ? 'CAUSAL_LM' : taskType;
  }
}

/** The same configuration with the name of the adapter's base, unless it already has one, as in PEFT. */
export function onBase<C extends AdapterConfig>(config: C, nameOrPath: string | undefined): C {
  if (nameOrPath === undefined || config.baseModelNameOrPath !== null) return config;
  return changed<AdapterConfig>(config, { baseModelNameOrPath: nameOrPath }) as C;
}

/** The same configuration with some fields changed, which are not checked again. */
export function changed<C extends AdapterConfig>(config: C, changes: Partial<C>): C {
  return Object.assign(Object.create(Object.getPrototypeOf(config)), config, changes);
}
