/** The arguments of a command; each is checked when it is read. */
import { parseArgs } from 'node:util';
import { nearestName } from '../../runtime/checks/checkKnown';
import { reasonOf } from '../../runtime/messages/reasonOf';
import { UsageError } from '../usageError';
import { checkPlace } from './checkPlace';
import type { CommandSpec, OptionSpec } from './commandSpec';

interface NumberRange {
  readonly least?: number;
  readonly most?: number;
}

/** @throws UsageError for an option with two values, of which only the last would count. */
function checkOnce(tokens: readonly { readonly kind: string; readonly name?: string; readonly value?: string | undefined }[]): void {
  const given = new Map<string, string>();
  for (const { name = '', value } of tokens.filter(({ kind }) => kind === 'option')) {
    const before = given.get(name);
    if (before !== undefined && before !== value)
      throw new UsageError(`--${name} is given twice, as '${before}' and as '${value}': give it once`);
    if (value !== undefined) given.set(name, value);
  }
}

/** The words after the command's name. */
export class CommandArguments {
  readonly argument: string | undefined;
  /** As they were given. */
  readonly words: readonly string[];
  private readonly values: Readonly<Record<string, string | boolean | undefined>>;

  /** @throws UsageError for an unknown option, a missing value or a second positional argument. */
  constructor(spec: CommandSpec, words: readonly string[]) {
    const options = Object.fromEntries(
      Object.entries(spec.options).map(([name, { value }]) => [name, { type: value ? ('string' as const) : ('boolean' as const) }]),
    );
    this.words = words;
    checkNames(words, Object.keys(options));
    try {
      const allowPositionals = spec.argument !== undefined;
      const { values, positionals, tokens } = parseArgs({ args: withNumbers(words, spec), options, allowPositionals, tokens: true });
      checkOnce(tokens);
      if (positionals.length > 1) throw new UsageError(`expected one ${spec.argument?.name}, got ${positionals.length}`);
      this.values = values;
      [this.argument] = positionals;
    } catch (cause) {
      throw new UsageError(reasonOf(cause));
    }
    for (const [name, option] of Object.entries(spec.options)) if (this.values[name] !== undefined) this.check(name, option);
  }

  private check(name: string, { place, choices, needs, excludes }: OptionSpec): void {
    if (choices) this.choice(name, choices);
    const path = this.text(name);
    if (place && path !== undefined) checkPlace(name, path, place);
    if (needs !== undefined && this.values[needs] === undefined) throw new UsageError(`--${name} does nothing without --${needs}`);
    if (excludes !== undefined && this.values[excludes] !== undefined)
      throw new UsageError(`--${name} does nothing beside --${excludes}: leave one of them out`);
  }

  isOn(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value === '') throw new UsageError(`--${name} is empty`);
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws UsageError when the option is missing. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  /** @throws UsageError when the value is not one of `choices`. */
  choice<T extends string>(name: string, choices: readonly T[], value = this.text(name)): T | undefined {
    const chosen = choices.find((choice) => choice === value);
    if (value !== undefined && chosen === undefined) throw new UsageError(`--${name} ${value} is not one of ${choices.join(', ')}`);
    return chosen;
  }

  /** @throws UsageError when the value is not a number or is out of range. */
  number(name: string, { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }: NumberRange = {}): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new UsageError(`--${name} ${value} is not a number${range(least, most)}`);
  }

  /** @throws UsageError when the value is not a whole number or is out of range. */
  whole(name: string, { least = 1 }: Pick<NumberRange, 'least'> = {}): number | undefined {
    const number = this.number(name, { least, most: Number.MAX_SAFE_INTEGER });
    if (number === undefined || Number.isSafeInteger(number)) return number;
    throw new UsageError(`--${name} ${number} is not a whole number`);
  }
}

/** @throws UsageError for an unknown option; the message suggests the nearest name. */
function checkNames(words: readonly string[], names: readonly string[]): void {
  const end = words.indexOf('--');
  for (const word of end < 0 ? words : words.slice(0, end)) {
    const name = /^--([^=]+)/.exec(word)?.[1];
    if (name === undefined || names.includes(name)) continue;
    const meant = nearestName(name, names);
    throw new UsageError(`unknown option --${name}${meant ? `; did you mean --${meant}?` : ''}`);
  }
}

/** Joins an option and a negative number, which Node would otherwise take for another option. */
function withNumbers(words: readonly string[], { options }: CommandSpec): string[] {
  return words.flatMap((word, index) => {
    const takesValue = (name?: string) => name?.startsWith('--') === true && options[name.slice(2)]?.value !== undefined;
    if (/^-[\d.]/.test(word) && takesValue(words[index - 1])) return [];
    const next = words[index + 1];
    return takesValue(word) && next !== undefined && /^-[\d.]/.test(next) ? [`${word}=${next}`] : [word];
  });
}

function range(least: number, most: number): string {
  if (Number.isFinite(least) && most < Number.MAX_SAFE_INTEGER) return ` from ${least} to ${most}`;
  return Number.isFinite(least) ? ` from ${least} up` : '';
}
