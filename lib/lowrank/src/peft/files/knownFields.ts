/** What the methods' keys of `adapter_config.json` have in common when they are read and written. */
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/warn';
import { CONFIG_FILE, type ConfigFields } from './configFields';

/** Keys that do nothing in PEFT either, each with its default and the reason. */
export type FieldsWithoutEffect = Readonly<Record<string, readonly [unset: unknown, reason: string]>>;

/** A LLaMA has no layer of another layout: the reason why `fan_in_fan_out` does nothing, whatever the method. */
export const FAN_IN_FAN_OUT = [false, 'the linear layers of a LLaMA are never stored as (in, out)'] as const;

const REMEDY = 'train the adapter without it, or merge it into its base with PEFT, where PEFT can, and load the merged model';

/** @throws UnsupportedError when one of these keys is set: each asks for a variant that computes something else. */
export function refuseFields(fields: ConfigFields, names: readonly string[]): void {
  for (const name of names) {
    if (fields.isSet(name))
      throw new UnsupportedError(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which is not supported; ${REMEDY}`);
  }
}

/** Warns of each of these keys that is not at its default. */
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

/** `target_modules`, without which no adapter can be put on a model. */
export function readTargets(fields: ConfigFields): string | string[] {
  return fields.names('target_modules') ?? fields.fail('target_modules', 'a text or a list of texts');
}

/** `modules_to_save` as a list. */
export function readModulesToSave(fields: ConfigFields): string[] {
  return [fields.names('modules_to_save') ?? []].flat();
}

/** `layers_to_transform` as a list; undefined for all. @throws UnsupportedError for layers that are not called `layers`. */
export function readLayers(fields: ConfigFields): number[] | undefined {
  const pattern = fields.names('layers_pattern') ?? 'layers';
  if (pattern.length > 0 && [pattern].flat().join() !== 'layers') {
    throw new UnsupportedError(`${CONFIG_FILE} has "layers_pattern": ${fields.text('layers_pattern')}; only "layers" is supported`);
  }
  const layers = fields.numbers('layers_to_transform');
  return layers && layers.length > 0 ? layers : undefined;
}

/** Hugging Face's names; a regular expression stays as it is. */
export function fileNames(names: string | readonly string[]): string | readonly string[] {
  return typeof names === 'string' ? names : names.map(toSnakeCase);
}

export function nullIfEmpty(names: string | readonly string[]): string | readonly string[] | null {
  return names.length > 0 ? names : null;
}

/** The entries that are there. */
export function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
