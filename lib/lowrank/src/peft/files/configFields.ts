/** Reads the fields of an untrusted JSON object, each with a type check. */
import { BinaryFile, FileFormatError } from '../../io/binaryFile';
import { parseStrictJson, type StrictJson, StrictJsonError } from '../../io/strictJson';

export const CONFIG_FILE = 'adapter_config.json';

const LARGEST = 2 ** 20; // bytes; PEFT's own configurations have about a thousand
const MOST_VALUES = 50_000;

/** A JSON object with typed access; `left` lists the fields that were not read. */
export class ConfigFields {
  private readonly asked = new Set<string>();

  private constructor(
    private readonly path: string,
    private readonly entries: ReadonlyMap<string, StrictJson>,
  ) {}

  /** @throws FormatError when the file does not exist, is larger than 1 MiB, or is not one JSON object. */
  static read(path: string): ConfigFields {
    const file = new BinaryFile(path);
    if (file.size > LARGEST) throw new FileFormatError(path, 0, `${file.size} bytes of JSON; at most ${LARGEST} are expected here`);
    const value = parse(path, file.read(0, file.size));
    if (!(value instanceof Map)) throw new FileFormatError(path, 0, 'this is JSON, but not an object');
    return new ConfigFields(path, value);
  }

  /** The names of the fields that were not read. */
  get left(): string[] {
    return [...this.entries.keys()].filter((name) => !this.asked.has(name));
  }

  /** Marks fields as known, so that `left` omits them. */
  ignore(names: readonly string[]): void {
    for (const name of names) this.asked.add(name);
  }

  /** Whether the field has a value: not null, false, an empty string, list or object. */
  isSet(name: string): boolean {
    const value = this.value(name);
    if (value instanceof Map) return value.size > 0;
    if (Array.isArray(value) || typeof value === 'string') return value.length > 0;
    return value !== undefined && value !== null && value !== false;
  }

  /** The field's value as JSON text. */
  text(name: string): string {
    return JSON.stringify(this.value(name) ?? null, (_, value: unknown) => {
      if (typeof value === 'bigint') return Number(value);
      return value instanceof Map ? Object.fromEntries(value) : value;
    });
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    return this.toNumber(name, value);
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    return typeof value === 'boolean' ? value : this.fail(name, 'true or false');
  }

  string(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    return typeof value === 'string' ? value : this.fail(name, 'a text');
  }

  /** A string, or a list of strings. */
  names(name: string): string | string[] | undefined {
    const value = this.value(name);
    if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.fail(name, 'a text or a list of texts');
  }

  /** A number, or a list of numbers. */
  numbers(name: string): number[] | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    return (Array.isArray(value) ? value : [value]).map((item) => this.toNumber(name, item));
  }

  /** A list of numbers, or an object of such lists. */
  numberLists(name: string): number[] | Record<string, number[]> | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    const list = (items: StrictJson): number[] =>
      Array.isArray(items) ? items.map((item) => this.toNumber(name, item)) : this.fail(name, 'lists of numbers');
    return value instanceof Map ? Object.fromEntries(Array.from(value, ([key, items]) => [key, list(items)])) : list(value);
  }

  /** An object whose values are numbers. */
  numberByName(name: string): Record<string, number> | undefined {
    const value = this.value(name);
    if (value === undefined || value === null) return undefined;
    if (!(value instanceof Map)) return this.fail(name, 'an object of numbers');
    return Object.fromEntries(Array.from(value, ([key, item]) => [key, this.toNumber(name, item)]));
  }

  /** @throws FormatError with the file, the field, its value and the expected type. */
  fail(name: string, expected: string): never {
    const value = this.text(name);
    throw new FileFormatError(this.path, 0, `"${name}" is ${value.slice(0, 80)}${value.length > 80 ? '…' : ''}; expected ${expected}`);
  }

  private value(name: string): StrictJson | undefined {
    this.asked.add(name);
    return this.entries.get(name);
  }

  private toNumber(name: string, value: StrictJson): number {
    if (typeof value === 'bigint') return Number(value);
    return typeof value === 'number' ? value : this.fail(name, 'a number');
  }
}

function parse(path: string, bytes: Uint8Array): StrictJson {
  try {
    return parseStrictJson(bytes, { values: MOST_VALUES });
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new FileFormatError(path, cause.index, `this is not valid JSON: ${cause.reason}`, { cause });
  }
}
