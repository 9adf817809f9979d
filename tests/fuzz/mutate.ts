/** Damage to an input, decided by a seed alone. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { seededRandom } from 'lowrank/internal';

/** How the inputs of a format are built, which decides what can be changed without breaking all the rest. */
export type Form = 'bytes' | 'text' | 'lines' | 'json' | 'safetensors';

/** Texts that readers have stumbled over, here and elsewhere, and values at the borders of their types. */
const DAMAGE: { readonly pieces: string[]; readonly texts: unknown[]; readonly values: unknown[] } = JSON.parse(
  fs.readFileSync(fileURLToPath(new URL('damage.json', import.meta.url)), 'utf8'),
);

/** Draws for one case. */
export class Draw {
  private readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  isOneIn(count: number): boolean {
    return this.below(count) === 0;
  }
}

/** One of the seed inputs with one to four changes; one time in fifty as it is. */
export function mutated(form: Form, seeds: readonly Buffer[], draw: Draw): Buffer {
  let input: Buffer = Buffer.from(draw.of(seeds));
  if (draw.isOneIn(50)) return input;
  for (let change = 0; change <= draw.below(4); change++) input = changed(form, input, seeds, draw);
  return input;
}

function changed(form: Form, input: Buffer, seeds: readonly Buffer[], draw: Draw): Buffer {
  if (draw.isOneIn(20)) return spliced(input, draw.of(seeds), draw);
  if (form === 'bytes' || draw.isOneIn(4)) return changedBytes(input, draw);
  if (form === 'text') return changedText(input, draw);
  if (form === 'lines') return draw.isOneIn(2) ? changedLines(input, draw) : changedText(input, draw);
  return form === 'json' ? changedJson(input, draw) : changedHeader(input, draw);
}

/** The beginning of one and the end of the other. */
function spliced(a: Buffer, b: Buffer, draw: Draw): Buffer {
  return Buffer.concat([a.subarray(0, draw.below(a.length + 1)), b.subarray(draw.below(b.length + 1))]);
}

/** Where lengths and counts are at the borders of their types. */
const WHOLE = [0, 1, 2, 3, 31, 32, 33, 127, 128, 255, 256, 65_535, 2 ** 24, 1e8, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1].map(BigInt);
const [EXACT, SIGNED, UNSIGNED] = [2n ** 53n, 2n ** 63n, 2n ** 64n];
const WIDE = [...WHOLE, 2n ** 32n, 2n ** 40n, EXACT - 1n, EXACT, EXACT + 1n, 2n ** 61n, SIGNED - 1n, SIGNED, UNSIGNED - 8n, UNSIGNED - 1n];

function changedBytes(input: Buffer, draw: Draw): Buffer {
  // Headers come first: half of the changes go there.
  const at = draw.below(Math.max(1, draw.isOneIn(2) ? input.length : Math.min(input.length, 600)));
  const bytes = Buffer.from(input);
  switch (draw.below(8)) {
    case 0:
      bytes[at] = draw.below(256);
      return bytes;
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << draw.below(8));
      return bytes;
    case 2:
      return bytes.fill(draw.of([0, 0xff, 0x20, 0x5b]), at, Math.min(bytes.length, at + 1 + draw.below(16)));
    case 3:
      return bytes.subarray(0, at);
    case 4: {
      const end = at + 1 + draw.below(40);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    }
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + draw.below(200)), bytes.subarray(at)]);
    case 6: {
      const number = Buffer.alloc(8);
      number.writeBigUInt64LE(draw.of(WIDE));
      number.copy(bytes, at, 0, draw.of([1, 2, 4, 8]));
      return bytes;
    }
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(draw.of(PIECES)), bytes.subarray(at)]);
  }
}

const PIECES = [...DAMAGE.pieces, 'a'.repeat(5000), '['.repeat(200)];

function changedText(input: Buffer, draw: Draw): Buffer {
  const text = input.toString();
  const at = draw.below(text.length + 1);
  if (draw.isOneIn(3)) {
    // A number that stands in it, at a border.
    const numbers = [...text.matchAll(/\d+/g)];
    const found = numbers[draw.below(numbers.length)];
    if (found) {
      const number = String(draw.of([...WIDE, -1n, -(2n ** 63n)]));
      return Buffer.from(text.slice(0, found.index) + number + text.slice(found.index + found[0].length));
    }
  }
  if (draw.isOneIn(4)) {
    const end = Math.min(text.length, at + draw.below(300));
    return Buffer.from(text.slice(0, at) + text.slice(at, end).repeat(1 + draw.below(30)) + text.slice(end));
  }
  return Buffer.from(text.slice(0, at) + draw.of(PIECES) + text.slice(at + draw.below(3)));
}

function changedLines(input: Buffer, draw: Draw): Buffer {
  const lines = input.toString().split('\n');
  const at = draw.below(lines.length);
  const other = draw.below(lines.length);
  switch (draw.below(4)) {
    case 0:
      lines.splice(at, 1 + draw.below(3));
      break;
    case 1:
      lines.splice(at, 0, lines[other] ?? '');
      break;
    case 2:
      [lines[at], lines[other]] = [lines[other] ?? '', lines[at] ?? ''];
      break;
    default:
      lines[at] = draw.of([
        '',
        ' ',
        '+',
        '-',
        '\\ No newline at end of file',
        '--- a/x',
        '+++ b/y',
        'x'.repeat(20_000),
        (lines[at] ?? '').slice(1),
      ]);
  }
  return Buffer.from(lines.join('\n'));
}

/** What stands for itself in the finished text, because `JSON.stringify` cannot write it. */
const RAW = /"@raw:([^"@]*)@"/g;
const BORDERS: readonly unknown[] = [...DAMAGE.texts, 'x'.repeat(3000), ...DAMAGE.values];

function changedJson(input: Buffer, draw: Draw): Buffer {
  let document: unknown;
  try {
    document = JSON.parse(input.toString());
  } catch {
    return changedBytes(input, draw); // broken by an earlier change
  }
  const text = JSON.stringify(changedValue(document, draw)) ?? '';
  const written = text.replace(RAW, '$1').replaceAll('\\\\ud800', '\\ud800');
  return Buffer.from(draw.isOneIn(8) ? withDoubledKey(written, draw) : written);
}

function withDoubledKey(text: string, draw: Draw): string {
  const entry = draw.of([...text.matchAll(/"[^"\\]*":(?:"[^"\\]*"|-?\d+)(?=,)/g), undefined]);
  return entry ? `${text.slice(0, entry.index)}${entry[0]},${text.slice(entry.index)}` : text;
}

/** A copy in which one value, anywhere inside, is another. */
function changedValue(value: unknown, draw: Draw): unknown {
  const isContainer = typeof value === 'object' && value !== null;
  const keys = isContainer ? Object.keys(value) : [];
  if (!isContainer || keys.length === 0 || draw.isOneIn(12)) return replaced(value, draw);
  const key = draw.of(keys);
  if (Array.isArray(value)) {
    const items = [...value];
    const at = Number(key);
    if (draw.isOneIn(6)) items.splice(at, draw.below(3), ...Array.from({ length: draw.below(3) }, () => draw.of(BORDERS)));
    else items[at] = changedValue(items[at], draw);
    return items;
  }
  const entries = Object.entries(value);
  const at = keys.indexOf(key);
  const [, item] = entries[at] ?? ['', undefined];
  const change = draw.below(8);
  if (change === 0) entries.splice(at, 1);
  else if (change === 1)
    entries[at] = [draw.of(['', '__proto__', 'constructor', 'length', 'x'.repeat(3000), '\u001b[2J', `${key}.`, draw.of(keys)]), item];
  else entries[at] = [key, changedValue(item, draw)];
  return Object.fromEntries(entries);
}

function replaced(value: unknown, draw: Draw): unknown {
  switch (draw.below(10)) {
    case 0:
      return [value];
    case 1:
      return { value };
    case 2:
      return nested(value, 1 + draw.below(120), draw.isOneIn(2));
    case 3:
      return Array.from(
        { length: Math.min(draw.of([2, 100, 10_000]), Math.ceil(1e6 / (JSON.stringify(value)?.length || 1))) },
        () => value,
      );
    case 4:
      return typeof value === 'number' ? -value : String(value);
    default:
      return draw.of(BORDERS);
  }
}

function nested(value: unknown, depth: number, isList: boolean): unknown {
  let outer = value;
  for (let level = 0; level < depth; level++) outer = isList ? [outer] : { a: outer };
  return outer;
}

/** A safetensors header as JSON, with its length put right, so that what is behind the length is reached. */
function changedHeader(input: Buffer, draw: Draw): Buffer {
  if (input.length < 8) return changedBytes(input, draw);
  const length = Number(input.readBigUInt64LE() % 1_000_000n);
  const header = changedJson(input.subarray(8, 8 + length), draw);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, input.subarray(8 + length)]);
}
