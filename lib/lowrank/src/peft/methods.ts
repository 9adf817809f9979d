/** The table of methods: the only place that lists them. */
import { UnsupportedError } from '../runtime';
import { adaptionPromptMethod } from './adaptionPrompt/adaptionPromptMethod';
import type { AdapterConfig } from './config/adapterConfig';
import { ia3Method } from './ia3/ia3Method';
import { loraMethod } from './lora/loraMethod';
import type { PeftMethod } from './method';
import { ABILITIES, type Ability } from './tuner';
import { veraMethod } from './vera/veraMethod';

/** By PEFT's name, `peft_type`. To add one, see docs/adding-a-method.md. */
export const methods = table({
  LORA: loraMethod,
  ADAPTION_PROMPT: adaptionPromptMethod,
  IA3: ia3Method,
  VERA: veraMethod,
});

type Methods = typeof methods;

/** PEFT's name of a method. */
export type PeftType = keyof Methods;

/** The configuration of any method; `peftType` distinguishes them. */
export type PeftConfig = { readonly [K in PeftType]: InstanceType<Methods[K]['Config']> }[PeftType];

/** The options of any method, with its name. */
export type PeftOptions = {
  readonly [K in PeftType]: { readonly peftType: K } & NonNullable<ConstructorParameters<Methods[K]['Config']>[0]>;
}[PeftType];

/** @throws UnsupportedError for an unknown method. */
export function methodOf(peftType: string): PeftMethod<PeftConfig> {
  if (Object.hasOwn(methods, peftType)) return methods[peftType as PeftType];
  throw new UnsupportedError(`peft_type ${JSON.stringify(peftType)} is not supported; ${Object.keys(methods).join(' and ')} are`);
}

/** The configuration from options of a caller. @throws UnsupportedError or ArgumentError when no method has them. */
export function configOf(options: PeftOptions): PeftConfig {
  const { Config } = methodOf(options.peftType);
  return new Config(options as never);
}

/** @throws UnsupportedError, with the method's reason, when it lacks this ability. */
export function checkAble(peftType: PeftType, ability: Ability): void {
  const { name, lacks } = methodOf(peftType);
  const { [ability]: reason }: Partial<Record<Ability, string>> = lacks;
  if (reason !== undefined) throw new UnsupportedError(`${name} adapters cannot be ${ABILITIES[ability]}: ${reason}`);
}

/** Checks that each method is listed under its own name. */
function table<T extends { readonly [K in keyof T]: PeftMethod<AdapterConfig & { readonly peftType: K }> }>(entries: T): T {
  return entries;
}
