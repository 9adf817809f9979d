/** The text of `--help`. */
import type { Command } from '../command';
import type { CommandSpec } from './commandSpec';

export function programHelp(commands: Readonly<Record<string, Command>>): string {
  const summaries = Object.entries(commands).map(([name, { spec }]) => [name, spec.summary] as const);
  return [
    'lowrank: low-rank and prefix adapters on LLaMA models',
    '',
    'Usage: lowrank COMMAND [options]',
    '',
    ...columns(summaries),
    '',
    'lowrank COMMAND --help lists the options of a command. lowrank --version prints the version.',
    '',
  ].join('\n');
}

export function commandHelp(name: string, { summary, argument, options, notes }: CommandSpec): string {
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
