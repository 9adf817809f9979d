/** Shared rules for the methods' keys in `adapter_config.json`. */
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/messages/warn';
import { CONFIG_FILE, type ConfigFields } from './configFields';

/** Keys that have no effect in PEFT either, each with its default and the reason. */
export type FieldsWithoutEffect = Readonly<Record<string, readonly [unset: unknown, reason: string]>>;

/** Why `fan_in_fan_out` has no effect for any method: a LLaMA has no layer in the other layout. */
export const FAN_IN_FAN_OUT = [false, 'the linear layers of a LLaMA are never stored as (in, out)'] as const;

const REMEDY = 'train the adapter without it, or merge it into its base with PEFT, where PEFT can, and load the merged model';

/**
 * @param evenEmpty - those of the keys that an empty object sets too
 * @throws UnsupportedError when one of these keys is set, because each asks for a variant with another computation.
 */
export function refuseFields(fields: ConfigFields, names: readonly string[], evenEmpty: readonly string[] = []): void {
  for (const name of names) {
    if (fields.isSet(name) || (evenEmpty.includes(name) && fields.isObject(name)))
      throw new UnsupportedError(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which is not supported; ${REMEDY}`);
  }
}

/** Warns about each of these keys that differs from its default. */
export function warnOfFields(fields: ConfigFields, known: FieldsWithoutEffect): void {
  for (const [name, [unset, reason]] of Object.entries(known)) {
    if (fields.isSet(name) && fields.text(name) !== JSON.stringify(unset)) {
      warn(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which does nothing here: ${reason}`);
    }
  }
}

/** The defaults of these keys, as PEFT writes them. */
export function defaultFields(known: FieldsWithoutEffect): Record<string, unknown> {
  return Object.fromEntries(Object.entries(known).map(([name, [unset]]) => [name, unset]));
}

/** Reads `target_modules`, which every adapter needs. */
export function readTargets(fields: ConfigFields): string | string[] {
  return fields.names('target_modules') ?? fields.fail('target_modules', 'a text or a list of texts');
}

/** Reads `modules_to_save` as a list. */
export function readModulesToSave(fields: ConfigFields): string[] {
  return [fields.names('modules_to_save') ?? []].flat();
}

/** Reads `layers_to_transform` as a list; undefined for all. @throws UnsupportedError for layers with a name other than `layers`. */
export function readLayers(fields: ConfigFields): number[] | undefined {
  const pattern = fields.names('layers_pattern') ?? 'layers';
  if (pattern.length > 0 && [pattern].flat().join() !== 'layers') {
    throw new UnsupportedError(`${CONFIG_FILE} has "layers_pattern": ${fields.text('layers_pattern')}; only "layers" is supported`);
  }
  const layers = fields.numbers('layers_to_transform');
  return layers && layers.length > 0 ? layers : undefined;
}

/** Hugging Face's names; a regular expression stays unchanged. */
export function fileNames(names: string | readonly string[]): string | readonly string[] {
  return typeof names === 'string' ? names : names.map(toSnakeCase);
}

export function nullIfEmpty(names: string | readonly string[]): string | readonly string[] | null {
  return names.length > 0 ? names : null;
}

/** The entries that are not undefined. */
export function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
