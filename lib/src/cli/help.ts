/** The text of `--help`. */
import { type CommandName, type CommandSpec, commandSpecs } from './commandSpecs';

/** What there is to say of the program. */
export function programHelp(): string {
  const commands = Object.entries(commandSpecs).map(([name, { summary }]) => [name, summary] as const);
  return [
    'lowrank: code review by low-rank and prefix adapters on LLaMA models',
    '',
    'Usage: lowrank COMMAND [options]',
    '',
    ...columns(commands),
    '',
    'lowrank COMMAND --help tells the options of a command, lowrank --version the version.',
    '',
  ].join('\n');
}

/** What there is to say of a command. */
export function commandHelp(name: CommandName): string {
  const { summary, argument, options, notes }: CommandSpec = commandSpecs[name];
  const rows = Object.entries(options).map(([option, { value, help }]) => [`--${option}${value ? ` ${value}` : ''}`, help] as const);
  return [
    `lowrank ${name}: ${summary}`,
    '',
    `Usage: lowrank ${name} [options]${argument ? ` [${argument.name}]` : ''}`,
    '',
    ...columns([...(argument ? [[argument.name, argument.help] as const] : []), ...rows, ['--help', 'this text']]),
    ...(notes ? ['', notes] : []),
    '',
  ].join('\n');
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
