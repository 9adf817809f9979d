/** PEFT's keys of `adapter_config.json` that are no fields of a configuration here. */
import { UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/messages/warn';
import { CONFIG_FILE, type ConfigFields } from './configFields';

export interface OtherKeys {
  /** Ignored keys, with the values that PEFT writes; undefined for one that it does not write. */
  readonly ignored?: Readonly<Record<string, unknown>>;
  /** Keys without effect in PEFT either, each with its default and the reason; a warning names one that is not at its default. */
  readonly withoutEffect?: Readonly<Record<string, readonly [unset: unknown, reason: string]>>;
  /** Keys that ask for another computation, with the values that PEFT writes when they are off. */
  readonly unsupported?: Readonly<Record<string, unknown>>;
  /** Unsupported keys that an empty object sets too. */
  readonly setWhenEmpty?: readonly string[];
}

/** Why `fan_in_fan_out` has no effect for any method: a LLaMA has no layer in the other layout. */
export const FAN_IN_FAN_OUT = [false, 'the linear layers of a LLaMA are never stored as (in, out)'] as const;

const REMEDY = 'train the adapter without it, or merge it into its base with PEFT, where PEFT can, and load the merged model';

/** @throws UnsupportedError for a key that asks for another computation. */
export function checkOtherKeys(
  fields: ConfigFields,
  { ignored = {}, withoutEffect = {}, unsupported = {}, setWhenEmpty }: OtherKeys,
): void {
  fields.ignore(Object.keys(ignored));
  for (const name of Object.keys(unsupported)) {
    if (fields.isSet(name) || (setWhenEmpty?.includes(name) && fields.isObject(name)))
      throw new UnsupportedError(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which is not supported; ${REMEDY}`);
  }
  for (const [name, [unset, reason]] of Object.entries(withoutEffect)) {
    if (fields.isSet(name) && fields.text(name) !== JSON.stringify(unset)) {
      warn(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which does nothing here: ${reason}`);
    }
  }
}

/** The other keys as PEFT writes them. */
export function writtenOtherKeys({ ignored, withoutEffect = {}, unsupported }: OtherKeys): Record<string, unknown> {
  const defaults = Object.entries(withoutEffect).map(([key, [unset]]) => [key, unset]);
  return { ...ignored, ...unsupported, ...Object.fromEntries(defaults) };
}
