/**
 * A JSON parser for headers written by strangers.
 *
 * It differs from `JSON.parse` where that one forgives or forgets: a key given twice is an error, an integer literal is
 * told apart from `1.0` and `1e3` (it becomes a bigint), objects become Maps, so that `__proto__` is a key like any
 * other, and nesting is bounded.
 */

/** Integer literals are bigints; every other number literal is a number. */
export type StrictJson = null | boolean | string | bigint | number | readonly StrictJson[] | ReadonlyMap<string, StrictJson>;

/** What is wrong with a JSON text, and where: `index` counts UTF-16 code units. */
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
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @throws StrictJsonError when the text is not one JSON value. */
export function parseStrictJson(text: string): StrictJson {
  return new Parser(text).document();
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): StrictJson {
    const value = this.value(0);
    this.skipSpace();
    if (this.at < this.text.length) this.fail('there is text after the JSON value');
    return value;
  }

  private value(depth: number): StrictJson {
    if (depth > DEEPEST) this.fail(`the nesting is deeper than ${DEEPEST}`);
    this.skipSpace();
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      default:
        return this.literal();
    }
  }

  private object(depth: number): ReadonlyMap<string, StrictJson> {
    const entries = new Map<string, StrictJson>();
    this.items('}', () => {
      this.skipSpace();
      const start = this.at;
      const key = this.string();
      if (entries.has(key)) {
        this.at = start;
        this.fail(`the key ${JSON.stringify(key)} is given twice`);
      }
      this.skipSpace();
      if (!this.take(':')) this.fail("':' is expected");
      entries.set(key, this.value(depth + 1));
    });
    return entries;
  }

  private array(depth: number): readonly StrictJson[] {
    const items: StrictJson[] = [];
    this.items(']', () => items.push(this.value(depth + 1)));
    return items;
  }

  /** Reads what stands between two brackets, separated by commas. */
  private items(end: string, readItem: () => void): void {
    this.at++;
    this.skipSpace();
    if (this.take(end)) return;
    do {
      readItem();
      this.skipSpace();
    } while (this.take(','));
    if (!this.take(end)) this.fail(`',' or '${end}' is expected`);
  }

  private string(): string {
    const start = this.at;
    if (!this.take('"')) this.fail('a string is expected');
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code) || code < 0x20) this.fail('a string does not end, or holds a control character');
      this.at++;
      if (code === 0x22) break; // "
      if (code === 0x5c) this.at++; // a backslash takes the next character with it
    }
    let value: string;
    try {
      value = JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      this.at = start;
      this.fail('a string holds an escape that JSON does not have');
    }
    if (LONE_SURROGATE.test(value)) {
      this.at = start;
      this.fail('a string holds half of a surrogate pair');
    }
    return value;
  }

  private literal(): null | boolean | bigint | number {
    const pattern = /true|false|null|(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) this.fail('a JSON value is expected');
    this.at += match[0].length;
    if (match[0] === 'null') return null;
    if (match[1] === undefined) return match[0] === 'true';
    const isInteger = match[2] === '' && match[0] !== '-0' && match[0].length <= 20; // 2^64 has 20 digits
    return isInteger ? BigInt(match[0]) : Number(match[0]);
  }

  private skipSpace(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at++;
    }
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private fail(reason: string): never {
    throw new StrictJsonError(this.at, reason);
  }
}
