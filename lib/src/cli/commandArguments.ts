/** The arguments of a command, checked as they are asked for. */
import { parseArgs } from 'node:util';
import { reasonOf } from '../runtime/reasonOf';
import { type CommandName, type CommandSpec, commandSpecs } from './commandSpecs';
import { UsageError } from './usageError';

/** A range that a number must be in, both ends included. */
export interface NumberRange {
  readonly least?: number;
  readonly most?: number;
}

/** What was typed after the command. */
export class CommandArguments {
  readonly argument: string | undefined;
  private readonly values: Readonly<Record<string, string | boolean | undefined>>;

  /** @throws UsageError for an option that the command does not have, or a value too many or too few. */
  constructor(command: CommandName, words: readonly string[]) {
    const spec: CommandSpec = commandSpecs[command];
    const options = Object.fromEntries(
      Object.entries(spec.options).map(([name, { value }]) => [name, { type: value ? ('string' as const) : ('boolean' as const) }]),
    );
    try {
      const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: spec.argument !== undefined });
      if (positionals.length > 1) throw new UsageError(`one ${spec.argument?.name} is expected, not ${positionals.length}`);
      this.values = values;
      [this.argument] = positionals;
    } catch (cause) {
      throw new UsageError(reasonOf(cause));
    }
  }

  isOn(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value === '') throw new UsageError(`--${name} is empty`);
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws UsageError when it was not given. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  /** @throws UsageError when it is none of these. */
  choice<T extends string>(name: string, choices: readonly T[], value = this.text(name)): T | undefined {
    const chosen = choices.find((choice) => choice === value);
    if (value !== undefined && chosen === undefined) throw new UsageError(`--${name} ${value} is none of ${choices.join(', ')}`);
    return chosen;
  }

  /** @throws UsageError when it is no number or out of its range. */
  number(name: string, { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: NumberRange = {}): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new UsageError(`--${name} ${value} is not a number${range(least, most)}`);
  }

  /** @throws UsageError when it is no whole number or out of its range. */
  whole(name: string, { least = 1, most = Number.MAX_SAFE_INTEGER }: NumberRange = {}): number | undefined {
    const number = this.number(name, { least, most });
    if (number === undefined || Number.isSafeInteger(number)) return number;
    throw new UsageError(`--${name} ${number} is not a whole number`);
  }
}

function range(least: number, most: number): string {
  if (Number.isFinite(least) && most < Number.MAX_SAFE_INTEGER) return ` from ${least} to ${most}`;
  return Number.isFinite(least) ? ` from ${least} up` : '';
}
