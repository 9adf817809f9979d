/** How the fields of a configuration lie in `adapter_config.json`: one table for reading and for writing. */
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/messages/warn';
import type { AdapterConfig, AdapterConfigOptions } from '../config/adapterConfig';
import type { ConfigFileFields } from '../method';
import { CONFIG_FILE, type ConfigFields } from './configFields';

/** One field; its key in the file is its name in snake case. */
export interface FileField<V> {
  /** The value, or undefined for the default of the configuration. @throws FormatError for a value of another type. */
  read(fields: ConfigFields, key: string): V | undefined;
  /** The value in the file. @defaultValue the value itself */
  write?(value: V): unknown;
}

/** Every field of a configuration that not all methods have. */
type OwnFields<C> = { readonly [K in Exclude<keyof C, 'peftType' | keyof AdapterConfigOptions>]: FileField<C[K]> };

/** Keys of a method that are no fields of its configuration. */
interface OtherKeys {
  /** Those that are passed over, with the values that PEFT writes; undefined for one that it does not write. */
  readonly ignored?: Readonly<Record<string, unknown>>;
  /** Those without an effect in PEFT either. */
  readonly withoutEffect?: FieldsWithoutEffect;
  /** Those that ask for another computation, with the values that PEFT writes when they are off. */
  readonly unsupported?: Readonly<Record<string, unknown>>;
  /** Those of the unsupported ones that an empty object sets too. */
  readonly setWhenEmpty?: readonly string[];
}

/** Reads and writes a method's configuration by a table of its fields. */
export function fileFields<C extends AdapterConfig>(
  Config: new (options: never) => C,
  own: OwnFields<C>,
  { ignored = {}, withoutEffect = {}, unsupported = {}, setWhenEmpty = [] }: OtherKeys = {},
): ConfigFileFields<C> {
  const table = Object.entries<FileField<unknown>>(own);
  return {
    read(fields, common) {
      fields.ignore(Object.keys(ignored));
      refuseFields(fields, Object.keys(unsupported), setWhenEmpty);
      warnOfFields(fields, withoutEffect);
      const values = table.map(([name, field]) => [name, field.read(fields, toSnakeCase(name))]);
      return new Config({ ...Object.fromEntries(values.filter(([, value]) => value !== undefined)), ...common } as never);
    },
    write(config) {
      const defaults = Object.entries(withoutEffect).map(([key, [unset]]) => [key, unset]);
      const values = table.map(([name, { write = (value: unknown) => value }]) => [toSnakeCase(name), write(Reflect.get(config, name))]);
      return { ...ignored, ...unsupported, ...Object.fromEntries([...defaults, ...values]) };
    },
  };
}

/** Absent it has its default; PEFT fails on null. */
export const number: FileField<number> = {
  read: (fields, key) => (fields.isNull(key) ? fields.fail(key, 'a number') : fields.number(key)),
};
export const requiredNumber: FileField<number> = { read: (fields, key) => fields.number(key) ?? fields.fail(key, 'a number') };
export const boolean: FileField<boolean> = { read: (fields, key) => fields.boolean(key) };
export const numberByName: FileField<Readonly<Record<string, number>>> = { read: (fields, key) => fields.numberByName(key) };

/** One of these texts; the first where the key is absent. */
export function choice<const T extends string>(choices: readonly [T, ...T[]]): FileField<T> {
  return { read: (fields, key) => fields.choice(key, choices) };
}

type Names = string | readonly string[];

/** Hugging Face's names; a regular expression stays unchanged. */
const written = (names: Names): Names => (typeof names === 'string' ? names : names.map(toSnakeCase));
const nullIfEmpty = (names: Names): Names | null => (names.length > 0 ? written(names) : null);

/** Names of modules, or a regular expression. */
export const names: FileField<Names> = { read: (fields, key) => fields.names(key), write: written };
/** The same, where the file must have them. */
export const requiredNames: FileField<Names> = {
  read: (fields, key) => fields.names(key) ?? fields.fail(key, 'a text or a list of texts'),
  write: written,
};
/** The same, where none is null in the file. */
export const optionalNames: FileField<Names> = { ...names, write: nullIfEmpty };
/** A list of names, where none is null in the file. */
export const nameList: FileField<readonly string[]> = { read: (fields, key) => [fields.names(key) ?? []].flat(), write: nullIfEmpty };

/** Numbers of layers; undefined for all. @throws UnsupportedError for layers with a name other than `layers`. */
export const layers: FileField<readonly number[] | undefined> = {
  read(fields, key) {
    const pattern = fields.names('layers_pattern') ?? 'layers';
    if (pattern.length > 0 && [pattern].flat().join() !== 'layers') {
      throw new UnsupportedError(`${CONFIG_FILE} has "layers_pattern": ${fields.text('layers_pattern')}; only "layers" is supported`);
    }
    const numbers = fields.numbers(key);
    return numbers && numbers.length > 0 ? numbers : undefined;
  },
  write: (numbers) => numbers ?? null,
};

/** Keys that have no effect in PEFT either, each with its default and the reason. */
export type FieldsWithoutEffect = Readonly<Record<string, readonly [unset: unknown, reason: string]>>;

/** Why `fan_in_fan_out` has no effect for any method: a LLaMA has no layer in the other layout. */
export const FAN_IN_FAN_OUT = [false, 'the linear layers of a LLaMA are never stored as (in, out)'] as const;

const REMEDY = 'train the adapter without it, or merge it into its base with PEFT, where PEFT can, and load the merged model';

/**
 * @param evenEmpty - those of the keys that an empty object sets too
 * @throws UnsupportedError when one of these keys is set, because each asks for a variant with another computation.
 */
function refuseFields(fields: ConfigFields, keys: readonly string[], evenEmpty: readonly string[]): void {
  for (const name of keys) {
    if (fields.isSet(name) || (evenEmpty.includes(name) && fields.isObject(name)))
      throw new UnsupportedError(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which is not supported; ${REMEDY}`);
  }
}

/** Warns about each of these keys that differs from its default. */
function warnOfFields(fields: ConfigFields, known: FieldsWithoutEffect): void {
  for (const [name, [unset, reason]] of Object.entries(known)) {
    if (fields.isSet(name) && fields.text(name) !== JSON.stringify(unset)) {
      warn(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which does nothing here: ${reason}`);
    }
  }
}
