/**
 * A JSON parser for headers from untrusted files.
 *
 * It is stricter than `JSON.parse`: a key that occurs twice is an error; an integer literal becomes a bigint, and so differs from `1.0`
 * and `1e3`; objects become Maps, so `__proto__` is a key like any other; nesting and the number of values are bounded, so memory is at
 * most a small multiple of those bounds.
 */
import { Buffer } from 'node:buffer';

/** Integer literals are bigints; every other number literal is a number. */
export type StrictJson = null | boolean | string | bigint | number | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** A fault in a JSON text; `index` is its byte position. */
export class StrictJsonError extends SyntaxError {
  constructor(
    readonly index: number,
    readonly reason: string,
  ) {
    super(`${reason} (at ${index})`);
    this.name = 'StrictJsonError';
  }
}

const DEEPEST = 32;
const LONGEST_STRING = 2 ** 24; // bytes
const LONE_SURROGATE = /\p{Surrogate}/u;

interface JsonLimits {
  /** Maximum values, including those inside lists and objects. A walk over an object counts them per entry. */
  readonly values: number;
  /** Maximum entries of the object in a walk. @defaultValue no separate limit */
  readonly entries?: number;
}

/** @throws StrictJsonError when the bytes are not one JSON value in UTF-8, or exceed the limits. */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits): StrictJson {
  return new Parser(bytes, limits).document();
}

/**
 * Walks over an object entry by entry, with only one value in memory unless the visitor keeps it.
 *
 * @param visit - receives each key, which occurs once, and its value.
 * @throws StrictJsonError when the bytes are not one JSON object in UTF-8, or exceed the limits.
 */
export function walkStrictJson(bytes: Uint8Array, limits: JsonLimits, visit: (key: string, value: StrictJson) => void): void {
  new Parser(bytes, limits).walk(visit);
}

class Parser {
  private at = 0;
  private count = 0;
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: JsonLimits,
  ) {}

  document(): StrictJson {
    const value = this.value(0);
    this.end();
    return value;
  }

  walk(visit: (key: string, value: StrictJson) => void): void {
    const { entries = Number.POSITIVE_INFINITY } = this.limits;
    const keys = new Set<string>();
    this.skipSpace();
    if (this.bytes[this.at] !== Character.openBrace) this.fail("expected '{'");
    this.items(Character.closeBrace, () => {
      if (keys.size >= entries) this.fail(`there are more than ${entries} entries`);
      const key = this.key((name) => keys.has(name));
      keys.add(key);
      this.count = 0;
      visit(key, this.value(1));
    });
    this.end();
  }

  private end(): void {
    this.skipSpace();
    if (this.at < this.bytes.length) this.fail('there is text after the JSON value');
  }

  private value(depth: number): StrictJson {
    if (depth > DEEPEST) this.fail(`the nesting is deeper than ${DEEPEST}`);
    if (++this.count > this.limits.values) this.fail(`there are more than ${this.limits.values} values`);
    this.skipSpace();
    switch (this.bytes[this.at]) {
      case Character.openBrace:
        return this.object(depth);
      case Character.openBracket:
        return this.array(depth);
      case Character.quote:
        return this.string();
      default:
        return this.literal();
    }
  }

  private object(depth: number): ReadonlyMap<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    this.items(Character.closeBrace, () => {
      const key = this.key((name) => entries.has(name));
      entries.set(key, this.value(depth + 1));
    });
    return entries;
  }

  private array(depth: number): readonly StrictJson[] {
    const items: StrictJson[] = [];
    this.items(Character.closeBracket, () => items.push(this.value(depth + 1)));
    return items;
  }

  /** Parses items between two brackets, separated by commas. */
  private items(end: number, readItem: () => void): void {
    this.at++;
    this.skipSpace();
    if (this.take(end)) return;
    do {
      readItem();
      this.skipSpace();
    } while (this.take(Character.comma));
    if (!this.take(end)) this.fail(`expected ',' or '${String.fromCharCode(end)}'`);
  }

  private key(isTaken: (key: string) => boolean): string {
    this.skipSpace();
    const start = this.at;
    const key = this.string();
    if (isTaken(key)) this.fail(`the key ${JSON.stringify(key).slice(0, 200)} occurs twice`, start);
    this.skipSpace();
    if (!this.take(Character.colon)) this.fail("expected ':'");
    return key;
  }

  private string(): string {
    const start = this.at;
    if (!this.take(Character.quote)) this.fail('expected a string');
    let isPlain = true;
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte === undefined || byte < 0x20) this.fail('a string does not end, or contains a control character');
      if (byte === Character.backslash || byte >= 0x80) isPlain = false;
      if (++this.at - start > LONGEST_STRING) this.fail(`a string is longer than ${LONGEST_STRING} bytes`, start);
      if (byte === Character.quote) break;
      if (byte === Character.backslash) this.at++; // escapes the next character
    }
    if (isPlain) return this.latin1(start + 1, this.at - 1);
    let text: string;
    try {
      text = this.utf8.decode(this.bytes.subarray(start, this.at));
    } catch {
      return this.fail('a string is not UTF-8', start);
    }
    let value: string;
    try {
      value = JSON.parse(text) as string;
    } catch {
      return this.fail('a string contains an escape that JSON does not have', start);
    }
    if (LONE_SURROGATE.test(value)) this.fail('a string contains half of a surrogate pair', start);
    return value;
  }

  private literal(): null | boolean | bigint | number {
    const pattern = /^(?:true|false|null|(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?))$/;
    const start = this.at;
    while (isOfLiteral(this.bytes[this.at])) if (++this.at - start > LONGEST_LITERAL) this.fail('a number is too long', start);
    const match = pattern.exec(this.latin1(start, this.at));
    if (!match) return this.fail('expected a JSON value', start);
    if (match[0] === 'null') return null;
    if (match[1] === undefined) return match[0] === 'true';
    const isInteger = match[2] === '' && match[0] !== '-0' && match[0].length <= 20; // 2^64 has 20 digits
    return isInteger ? BigInt(match[0]) : Number(match[0]);
  }

  private latin1(start: number, end: number): string {
    const { buffer, byteOffset } = this.bytes;
    return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1');
  }

  private skipSpace(): void {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at++;
    }
  }

  private take(character: number): boolean {
    if (this.bytes[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private fail(reason: string, at = this.at): never {
    throw new StrictJsonError(at, reason);
  }
}

const LONGEST_LITERAL = 10_000; // bytes

const Character = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** Whether a byte can be part of a number or of `true`, `false` and `null`. */
function isOfLiteral(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e;
}
