/** The part that the configurations of all methods share. */
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkGiven } from '../../runtime/checks/door';
import type { Field } from './fields';

/** The options of every method. */
export interface AdapterConfigOptions {
  /** Where the base model comes from, written into the adapter's file. @defaultValue null */
  readonly baseModelNameOrPath?: string | null;
  /** PEFT's name of the task, written into the adapter's file. @defaultValue 'CAUSAL_LM' */
  readonly taskType?: string | null;
}

/** The base of every method's configuration: plain values, with PEFT's names in camelCase. */
export abstract class AdapterConfig {
  /** Where the base model comes from, written into the adapter's file. @defaultValue null */
  readonly baseModelNameOrPath: string | null;
  /** PEFT's name of the task, written into the adapter's file. @defaultValue 'CAUSAL_LM' */
  readonly taskType: string | null;

  /**
   * Assigns every field of the table, its default where the options lack it.
   *
   * @param peftType - PEFT's name of the method, and its key in the table of methods
   * @param aliases - other names that people use for some options, and the right ones
   * @throws ArgumentError for an unknown option, or a value that the field's check refuses.
   */
  protected constructor(
    readonly peftType: string,
    options: AdapterConfigOptions,
    fields: Readonly<Record<string, Field<unknown>>>,
    aliases: Readonly<Record<string, string>>,
  ) {
    checkGiven(`new ${new.target.name}(options)`, { options });
    const { baseModelNameOrPath = null, taskType = 'CAUSAL_LM' } = options;
    if (baseModelNameOrPath !== null) checkGiven('a configuration', { baseModelNameOrPath }, { baseModelNameOrPath: 'text' });
    if (taskType !== null) checkGiven('a configuration', { taskType }, { taskType: 'text' });
    this.baseModelNameOrPath = baseModelNameOrPath;
    this.taskType = taskType;
    checkKnown(new.target.name, options, [...Object.keys(this), ...Object.keys(fields)], aliases);
    for (const [name, { fallback, check }] of Object.entries(fields)) {
      const value = Reflect.get(options, name) ?? fallback;
      check?.(name, value);
      Reflect.set(this, name, value);
    }
  }
}

/** Every field of a configuration that not all methods have, in the order of the class. */
export type FieldsOf<C extends AdapterConfig> = {
  readonly [K in Exclude<keyof C, 'peftType' | keyof AdapterConfigOptions>]: Field<C[K]>;
};

/** The same configuration with the name of the adapter's base, unless it already has one, as in PEFT. */
export function onBase<C extends AdapterConfig>(config: C, nameOrPath: string | undefined): C {
  if (nameOrPath === undefined || config.baseModelNameOrPath !== null) return config;
  return changed<AdapterConfig>(config, { baseModelNameOrPath: nameOrPath }) as C;
}

/** The same configuration with some fields changed, which are not checked again. */
export function changed<C extends AdapterConfig>(config: C, changes: Partial<C>): C {
  return Object.assign(Object.create(Object.getPrototypeOf(config)), config, changes);
}
