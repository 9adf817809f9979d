/** Reads and writes `adapter_config.json`, PEFT's configuration file. */
import nodePath from 'node:path';
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/messages/warn';
import type { Field } from '../config/fields';
import { methodOf, methods, type PeftConfig } from '../methods';
import { CONFIG_FILE, ConfigFields } from './configFields';
import { checkOtherKeys, writtenOtherKeys } from './otherKeys';

/** The version of PEFT whose format this is. */
export const PEFT_VERSION = '0.21.0';

/** Keys of all methods that do not affect the computation. */
const IGNORED = [
  'auto_mapping', // names a Python class, for PEFT to import; it is never loaded
  'inference_mode', // `isTrainable` decides that, as in PEFT
  'peft_version',
  'revision', // of the base, which is already loaded
];

/**
 * Reads a folder's `adapter_config.json`.
 *
 * Unknown fields are listed in one warning and ignored, as in PEFT. Nothing in the file is executed or imported, and its regular
 * expressions have a time limit.
 *
 * @throws FormatError when the file is missing or malformed, UnsupportedError when it asks for a method or variant that this library does
 * not have, ArgumentError when a number is out of range.
 */
export function readAdapterConfig(folder: string): PeftConfig {
  const fields = ConfigFields.read(nodePath.join(folder, CONFIG_FILE));
  const known = Object.keys(methods);
  const peftType = fields.string('peft_type') ?? fields.fail('peft_type', known.join(' or '));
  if (!known.includes(peftType))
    throw new UnsupportedError(`${CONFIG_FILE} has "peft_type": ${JSON.stringify(peftType)}; supported are ${known.join(' and ')}`);
  const { Config, fields: own, otherKeys } = methodOf(peftType);
  checkOtherKeys(fields, otherKeys);
  const values = Object.entries<Field<unknown>>(own).map(([name, { read }]) => [name, read(fields, toSnakeCase(name))]);
  const config = new Config({
    ...Object.fromEntries(values),
    baseModelNameOrPath: fields.string('base_model_name_or_path') ?? null,
    taskType: fields.string('task_type') ?? null,
  } as never);
  fields.ignore(IGNORED);
  if (fields.left.length > 0) warn(`${nodePath.join(folder, CONFIG_FILE)}: unknown keys, which are ignored: ${fields.left.join(', ')}`);
  return config;
}

/** The text of `adapter_config.json`, with every key that PEFT writes. */
export function adapterConfigText(config: PeftConfig): string {
  const common = {
    auto_mapping: null,
    base_model_name_or_path: config.baseModelNameOrPath,
    inference_mode: true,
    peft_type: config.peftType,
    peft_version: PEFT_VERSION,
    revision: null,
    task_type: config.taskType,
  };
  const { fields, otherKeys } = methodOf(config.peftType);
  const own = Object.entries<Field<unknown>>(fields).map(([name, { write }]) => {
    const value: unknown = Reflect.get(config, name);
    return [toSnakeCase(name), write ? write(value) : value];
  });
  const entries = Object.entries({ ...common, ...writtenOtherKeys(otherKeys), ...Object.fromEntries(own) });
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2);
}
