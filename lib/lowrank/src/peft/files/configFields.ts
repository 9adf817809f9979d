/** The fields of `adapter_config.json`: each is read with a check of its type, and those left unread are known. */
import { BinaryFile, FileFormatError } from '../../io/binaryFile';
import { JsonFields } from '../../io/jsonFields';
import { parseStrictJson, type StrictJson, StrictJsonError } from '../../io/strictJson';

export const CONFIG_FILE = 'adapter_config.json';

const LARGEST = 2 ** 20; // bytes; PEFT's own configurations have about a thousand
const MOST_VALUES = 50_000;

/** The fields of an adapter's configuration; `left` lists those that were not read. */
export class ConfigFields extends JsonFields {
  private readonly asked = new Set<string>();

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
    return value !== undefined && value !== false;
  }

  /** Whether the field is there, and null. */
  isNull(name: string): boolean {
    return this.entries.get(name) === null;
  }

  /** Whether the field holds an object, even an empty one. */
  isObject(name: string): boolean {
    return this.value(name) instanceof Map;
  }

  /** A string, or a list of strings. */
  names(name: string): string | string[] | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'string') return value;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    return this.fail(name, 'a text or a list of texts');
  }

  /** One of these texts; the first where the field is absent. */
  choice<const T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const text = this.string(name) ?? choices[0];
    return choices.find((choice) => choice === text) ?? this.fail(name, choices.join(', '));
  }

  /** A list of numbers, or an object of such lists. */
  numberLists(name: string): number[] | Record<string, number[]> | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const list = (items: unknown): number[] =>
      Array.isArray(items) ? items.map((item) => this.toNumber(name, item)) : this.fail(name, 'lists of numbers');
    return value instanceof Map ? Object.fromEntries(Array.from(value, ([key, items]) => [key, list(items)])) : list(value);
  }

  /** An object whose values are numbers. */
  numberByName(name: string): Record<string, number> | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (!(value instanceof Map)) return this.fail(name, 'an object of numbers');
    return Object.fromEntries(Array.from(value, ([key, item]) => [key, this.toNumber(name, item)]));
  }

  protected override value(name: string): unknown {
    this.asked.add(name);
    return super.value(name);
  }
}

function parse(path: string, bytes: Uint8Array): StrictJson {
  try {
    return parseStrictJson(bytes, { values: MOST_VALUES });
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause;
    throw new FileFormatError(
      path,
      cause.index,
      `this is not valid JSON: ${cause.reason}; if it was cut or emptied, copy the adapter's folder again`,
      { cause },
    );
  }
}
