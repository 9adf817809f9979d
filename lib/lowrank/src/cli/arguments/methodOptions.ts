/** The options of `lowrank train` that choose and configure a method, taken from the table of methods. */
import type { PeftConfig } from '../../peft';
import { methods } from '../../peft/methods';
import { UsageError } from '../usageError';
import type { CommandArguments } from './commandArguments';
import type { OptionSpec } from './commandSpec';

const commands = Object.values(methods).map(({ command }) => command);
const [standard] = commands;

/** Options by name; the help of a shared option lists what it means for each method. */
export const options: Readonly<Record<string, OptionSpec>> = {
  method: { value: 'METHOD', help: `${orList(commands.map(({ name }) => name))} [${standard?.name}]` },
  ...Object.fromEntries(optionNames().map((name) => [name, optionOf(name)])),
};

/**
 * The configuration that the arguments describe.
 *
 * @throws UsageError for an unknown method, or for an option that belongs to another method.
 */
export function typedConfig(args: CommandArguments, base: { readonly layers: number; readonly baseModelNameOrPath: string }): PeftConfig {
  const names = commands.map(({ name }) => name);
  const chosen = args.choice('method', names) ?? standard?.name;
  const command = commands.find(({ name }) => name === chosen);
  if (!command) throw new UsageError(`--method must be one of ${names.join(', ')}`);
  const foreign = optionNames().find((name) => args.text(name) !== undefined && !Object.hasOwn(command.options, name));
  if (foreign !== undefined)
    throw new UsageError(`--${foreign} does not apply to --method ${command.name}; its options are ${orList(dashed(command)) || 'none'}`);
  return command.configure(args, base);
}

function optionNames(): string[] {
  return [...new Set(commands.flatMap((command) => Object.keys(command.options)))];
}

function optionOf(name: string): OptionSpec {
  const all = commands.flatMap((command) => Object.entries<OptionSpec>(command.options)).filter(([own]) => own === name);
  const [[, first] = ['', { help: '' }]] = all;
  return { ...first, help: all.map(([, { help }]) => help).join('; ') };
}

function dashed(command: { readonly options: object }): string[] {
  return Object.keys(command.options).map((name) => `--${name}`);
}

function orList(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' or ');
}
