/** Reads the fields of an untrusted JSON object, each with a type check. */
import { FormatError } from '../runtime';

/** A JSON object with typed access; null counts as absent. Objects in it may be maps, and integers bigints. */
export class JsonFields {
  constructor(
    private readonly path: string,
    protected readonly entries: ReadonlyMap<string, unknown>,
  ) {}

  /** A number that must be there. */
  required(name: string): number {
    return this.number(name) ?? this.refuse(`"${name}" is missing`);
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : this.toNumber(name, value);
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    return value === undefined || typeof value === 'boolean' ? value : this.fail(name, 'true or false');
  }

  string(name: string): string | undefined {
    const value = this.value(name);
    return value === undefined || typeof value === 'string' ? value : this.fail(name, 'a text');
  }

  /** A number, or a list of numbers. */
  numbers(name: string): number[] | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : [value].flat().map((item) => this.toNumber(name, item));
  }

  /** The field's value as JSON text. */
  text(name: string): string {
    return JSON.stringify(this.value(name) ?? null, (_, value: unknown) => {
      if (typeof value === 'bigint') return Number(value);
      return value instanceof Map ? Object.fromEntries(value) : value;
    });
  }

  /** @throws FormatError with the file, the field, its value and the expected type. */
  fail(name: string, expected: string): never {
    const value = this.text(name);
    return this.refuse(`"${name}" is ${value.slice(0, 80)}${value.length > 80 ? '…' : ''}; expected ${expected}`);
  }

  protected value(name: string): unknown {
    return this.entries.get(name) ?? undefined;
  }

  protected toNumber(name: string, value: unknown): number {
    if (typeof value === 'bigint') return Number(value);
    return typeof value === 'number' ? value : this.fail(name, 'a number');
  }

  private refuse(reason: string): never {
    throw new FormatError(`${this.path}: ${reason}`);
  }
}
