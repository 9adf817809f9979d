/** The kinds of fields of a configuration: each with its default, its check, and its form in `adapter_config.json`. */
import { toSnakeCase } from '../../nn';
import { ArgumentError, UnsupportedError } from '../../runtime';
import { checkNames, checkNumber, checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { checkGiven } from '../../runtime/checks/door';
import { CONFIG_FILE, type ConfigFields } from '../files/configFields';
import { isAllLinear } from './targets';

/** One field; its key in the file is its name in snake case. */
export interface Field<V> {
  /** The value of a field that is left out; without it, the check refuses the configuration. */
  readonly fallback?: V;
  /** @throws ArgumentError with the name for a value of another type or out of range. */
  check?(name: string, value: V): void;
  /** The value in a file, or undefined for the default. @throws FormatError for a value of another type. */
  read(fields: ConfigFields, key: string): V | undefined;
  /** The value in the file. @defaultValue the value itself */
  write?(value: V): unknown;
}

/** A number; PEFT fails on null. */
export function number(fallback: number): Field<number> {
  const read: Field<number>['read'] = (fields, key) => (fields.isNull(key) ? fields.fail(key, 'a number') : fields.number(key));
  return { fallback, check: checkNumber, read };
}

/** A whole number of at least `least`. */
export function whole(fallback: number, least: number): Field<number> {
  return { ...number(fallback), check: (name, value) => checkWhole(name, value, least) };
}

/** A whole number from 1 up that must be given. */
export const requiredCount: Field<number> = {
  check: (name, value) => checkWhole(name, value),
  read: (fields, key) => fields.number(key) ?? fields.fail(key, 'a number'),
};

/** The rank `r`. */
export function rank(fallback: number): Field<number> {
  return { ...number(fallback), check: (_, value) => checkWhole('rank', value) };
}

/** A share below 1, such as dropout's; 0 by default. */
export const share: Field<number> = {
  ...number(0),
  check(name, value) {
    checkNumber(name, value);
    if (!(value >= 0 && value < 1)) throw new ArgumentError(`${name} ${value} is not in 0 ≤ p < 1`);
  },
};

export function flag(fallback: boolean): Field<boolean> {
  return { fallback, check: (name, value) => checkOneOf(name, value, [true, false]), read: (fields, key) => fields.boolean(key) };
}

/** One of these texts; the first is the default. */
export function choice<const T extends string>(choices: readonly [T, ...T[]]): Field<T> {
  const [fallback] = choices;
  return { fallback, check: (name, value) => checkOneOf(name, value, choices), read: (fields, key) => fields.choice(key, choices) };
}

/** Numbers by names of layers, or by expressions that match them; the first that matches counts. */
export function pattern(check: (value: number) => void): Field<Readonly<Record<string, number>>> {
  return {
    fallback: {},
    check: (name, values) => {
      checkGiven('a configuration', { [name]: values }, { [name]: 'object' });
      Object.values(values).forEach(check);
    },
    read: (fields, key) => fields.numberByName(key),
  };
}

type Names = string | readonly string[];

/** Hugging Face's names; a regular expression stays unchanged. */
const written = (names: Names): Names => (typeof names === 'string' ? names : names.map(toSnakeCase));
const nullIfEmpty = (names: Names): Names | null => (names.length > 0 ? written(names) : null);

/** Each name is compared with every module, of which models have some hundreds. */
const MOST_NAMES = 1000;

function checkFewNames(name: string, value: unknown): void {
  checkNames(name, value);
  if (Array.isArray(value) && value.length > MOST_NAMES)
    throw new ArgumentError(
      `${name} has ${value.length} names; at most ${MOST_NAMES} are taken: a regular expression can name more modules`,
    );
}

/** Names of modules, or a regular expression. */
export const names: Field<Names> = { fallback: [], check: checkFewNames, read: (fields, key) => fields.names(key), write: written };
/** Names of modules to leave alone; none is null in the file. */
export const excluded: Field<Names> = { ...names, write: nullIfEmpty };
/** Names of modules to adapt, which the file must have. */
export function targets(...fallback: readonly string[]): Field<Names> {
  return { ...names, fallback, read: (fields, key) => fields.names(key) ?? fields.fail(key, 'a text or a list of texts') };
}

/** A list of names; none is null in the file. */
export const nameList: Field<readonly string[]> = {
  fallback: [],
  check(name, value) {
    checkFewNames(name, value);
    if (typeof value === 'string') throw new ArgumentError(`${name} '${value}' is not a list of names`);
    if (value.includes('')) throw new ArgumentError(`${name} has an empty name, with which every module's name ends: leave it out`);
  },
  read: (fields, key) => [fields.names(key) ?? []].flat(),
  write: nullIfEmpty,
};

/** Numbers of layers; undefined for all. @throws UnsupportedError for layers with a name other than `layers`. */
export const layers: Field<readonly number[] | undefined> = {
  read(fields, key) {
    const pattern = fields.names('layers_pattern') ?? 'layers';
    if (pattern.length > 0 && [pattern].flat().join() !== 'layers') {
      throw new UnsupportedError(`${CONFIG_FILE} has "layers_pattern": ${fields.text('layers_pattern')}; only "layers" is supported`);
    }
    const numbers = fields.numbers(key);
    return numbers && numbers.length > 0 ? numbers : undefined;
  },
  check(name, numbers = []) {
    if (!Array.isArray(numbers)) throw new ArgumentError(`${name} is not a list of numbers`);
    for (const layer of numbers) checkWhole(name, layer, 0);
  },
  write: (numbers) => numbers ?? null,
};

/** @throws ArgumentError when the targets name the layers themselves. */
export function checkLayers(config: { readonly layersToTransform: readonly number[] | undefined; readonly targetModules: Names }): void {
  if (config.layersToTransform !== undefined && typeof config.targetModules === 'string' && !isAllLinear(config)) {
    throw new ArgumentError('layersToTransform goes with a list of targetModules; a regular expression names the layers itself');
  }
}
