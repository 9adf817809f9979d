/**
 * A walk over a GGUF header that checks every length against the file, before the library that reads it allocates anything.
 *
 * The rules are those of llama.cpp (`ggml/src/gguf.cpp`). The library, `@huggingface/gguf`, bounds its numbers but not by
 * the file's size: past the end it reads zeros. The walk also notes the strings that it misreads, see {@link MisreadString}.
 */
import { GGUFValueType } from '@huggingface/gguf';
import { type BinaryFile, FileFormatError } from './binaryFile';

/** A GGUF file breaks a rule of its format. */
export class GgufError extends FileFormatError {}

/** Where the parts of a header are, in bytes of the file. */
export interface GgufOutline {
  /** The entry of each tensor, in order. */
  readonly tensorEntries: readonly number[];
  readonly headerEnd: number;
  readonly misreadStrings: readonly MisreadString[];
}

/**
 * A string that the library cuts off, since it straddles one of its chunks, or whose byte order mark it drops (LLaMA's
 * vocabulary has a token that is one).
 */
export interface MisreadString {
  readonly key: string;
  /** The place in the array under the key; undefined when the value is the string itself. */
  readonly index: number | undefined;
  readonly text: string;
}

const LIBRARY_CHUNK = 2_000_000;
export const LONGEST_TENSOR_NAME = 63; // GGML_MAX_NAME with its final zero
const LONGEST_KEY = 65_535;
const MOST_DIMENSIONS = 4;
const WINDOW = 2 ** 18;

/** @throws GgufError when the header breaks a rule or passes the end of the file. */
export function outlineGguf(file: BinaryFile): GgufOutline {
  return new HeaderWalk(file).outline();
}

class HeaderWalk {
  private at = 0;
  private window: DataView = new DataView(new ArrayBuffer(0));
  private windowStart = 0;
  private readonly misreadStrings: MisreadString[] = [];

  constructor(private readonly file: BinaryFile) {}

  outline(): GgufOutline {
    if (this.file.size < 4 || this.uint32() !== 0x46554747) this.fail(0, "the file does not begin with 'GGUF'; it is no GGUF file");
    const version = this.uint32();
    if (version !== 2 && version !== 3) this.fail(4, `version ${version} is not 2 or 3, little-endian; convert the file again`);
    const tensorCount = this.count(8 + 1 + 4 + 8 + 4 + 8, 'tensors');
    const keyCount = this.count(8 + 1 + 4 + 1, 'metadata entries');
    this.walkMetadata(keyCount);
    const tensorEntries = this.walkTensors(tensorCount);
    return { tensorEntries, headerEnd: this.at, misreadStrings: this.misreadStrings };
  }

  private walkMetadata(count: number): void {
    const seen = new Set<string>();
    for (let i = 0; i < count; i++) {
      const start = this.at;
      const key = this.name(LONGEST_KEY, 'metadata key');
      if (seen.has(key)) this.fail(start, `the metadata key '${key}' is given twice`);
      seen.add(key);
      const type = this.uint32();
      if (key === 'general.alignment') this.checkAlignment(type);
      this.walkValue(key, type);
    }
  }

  private checkAlignment(type: number): void {
    const alignment = type === GGUFValueType.UINT32 ? this.uint32() : Number.NaN;
    if (!(alignment > 0) || (alignment & (alignment - 1)) !== 0)
      this.fail(this.at, 'general.alignment is not a power of two of type uint32');
    this.at -= 4;
  }

  private walkValue(key: string, type: number): void {
    if (type === GGUFValueType.STRING) this.walkString(key);
    else if (type === GGUFValueType.ARRAY) this.walkArray(key);
    else this.skip(this.widthOf(type, key), `the value of '${key}'`);
  }

  private walkArray(key: string): void {
    const type = this.uint32();
    if (type === GGUFValueType.STRING) {
      const count = this.count(8, `strings of '${key}'`);
      for (let index = 0; index < count; index++) this.walkString(key, index);
    } else {
      const width = this.widthOf(type, key); // arrays of arrays are no part of the format
      this.skip(width * this.count(width, `values of '${key}'`), `the values of '${key}'`);
    }
  }

  private widthOf(type: number, key: string): number {
    return VALUE_WIDTHS.get(type) ?? this.fail(this.at - 4, `the value of '${key}' has the unknown type ${type}`);
  }

  private walkString(key: string, index?: number): void {
    const length = this.count(1, `bytes of text in '${key}'`);
    const end = this.at + length;
    const isStraddling = length > 0 && Math.floor(this.at / LIBRARY_CHUNK) !== Math.floor((end - 1) / LIBRARY_CHUNK);
    const hasMark = length >= 3 && this.byteAt(0) === 0xef && this.byteAt(1) === 0xbb && this.byteAt(2) === 0xbf;
    if (isStraddling || hasMark) {
      this.misreadStrings.push({ key, index, text: Buffer.from(this.file.read(this.at, length)).toString() });
    }
    this.at = end;
  }

  private walkTensors(count: number): number[] {
    const seen = new Set<string>();
    return Array.from({ length: count }, () => {
      const start = this.at;
      const name = this.name(LONGEST_TENSOR_NAME, 'tensor name');
      if (seen.has(name)) this.fail(start, `the tensor '${name}' is given twice`);
      seen.add(name);
      const dimensions = this.uint32();
      if (dimensions === 0 || dimensions > MOST_DIMENSIONS)
        this.fail(start, `tensor '${name}' has ${dimensions} dimensions, not 1…${MOST_DIMENSIONS}`);
      this.skip(8 * dimensions + 4 + 8, `the entry of tensor '${name}'`);
      return start;
    });
  }

  /** Names are printable ASCII: nothing else occurs, and nothing else is safe to print. */
  private name(longest: number, what: string): string {
    const start = this.at;
    const length = this.count(1, `bytes of a ${what}`);
    if (length === 0 || length > longest) this.fail(start, `a ${what} has ${length} bytes, not 1…${longest}`);
    let name = '';
    for (let i = 0; i < length; i++) name += String.fromCharCode(this.byteAt(i));
    if (!/^[\x21-\x7e]+$/.test(name) || name === '__proto__') this.fail(start, `a ${what} is not printable ASCII`);
    this.at += length;
    return name;
  }

  /** A 64-bit count of things that take at least `width` bytes each in what is left of the file. */
  private count(width: number, what: string): number {
    const start = this.at;
    this.reach(8);
    const count = this.window.getBigUint64(this.at - this.windowStart, true);
    this.at += 8;
    const room = Math.floor((this.file.size - this.at) / width);
    if (count > room) this.fail(start, `${count} ${what} are claimed, but the file has room for ${room}; it may be cut off`);
    return Number(count);
  }

  private skip(length: number, what: string): void {
    if (this.at + length > this.file.size) this.fail(this.at, `the file ends within ${what}; it may be cut off`);
    this.at += length;
  }

  private uint32(): number {
    this.reach(4);
    const value = this.window.getUint32(this.at - this.windowStart, true);
    this.at += 4;
    return value;
  }

  private byteAt(index: number): number {
    this.reach(index + 1);
    return this.window.getUint8(this.at - this.windowStart + index);
  }

  /** Brings the next bytes into the window. */
  private reach(length: number): void {
    if (this.at >= this.windowStart && this.at + length <= this.windowStart + this.window.byteLength) return;
    const left = this.file.size - this.at;
    if (length > left) this.fail(this.at, 'the file ends within its header; it may be cut off');
    const bytes = this.file.read(this.at, Math.min(Math.max(length, WINDOW), left));
    this.window = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.windowStart = this.at;
  }

  private fail(offset: number, reason: string): never {
    throw new GgufError(this.file.path, offset, reason);
  }
}

const VALUE_WIDTHS: ReadonlyMap<number, number> = new Map([
  [GGUFValueType.UINT8, 1],
  [GGUFValueType.INT8, 1],
  [GGUFValueType.BOOL, 1],
  [GGUFValueType.UINT16, 2],
  [GGUFValueType.INT16, 2],
  [GGUFValueType.UINT32, 4],
  [GGUFValueType.INT32, 4],
  [GGUFValueType.FLOAT32, 4],
  [GGUFValueType.UINT64, 8],
  [GGUFValueType.INT64, 8],
  [GGUFValueType.FLOAT64, 8],
]);
