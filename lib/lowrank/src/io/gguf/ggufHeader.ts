/**
 * Parses the header of a GGUF file: its metadata and the entry of each tensor. Checks every length against the file before allocating
 * memory for it.
 *
 * The rules are those of llama.cpp (`ggml/src/gguf.cpp`). `@huggingface/gguf` parses such headers too, but it reads zeros past the end of
 * a file, cuts strings at its chunks, and drops byte order marks, one of which is in LLaMA's vocabulary.
 */
import { Buffer } from 'node:buffer';
import { type BinaryFile, FileFormatError } from '../binaryFile';

/** A GGUF file that breaks a rule of the format. */
export class GgufError extends FileFormatError {}

/** A metadata value; integers above 2⁵³ are bigints. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensorEntry[];
  /** Position of the byte after the header. */
  readonly end: number;
}

/** The entry of one tensor; its type and position are not yet checked. */
interface GgufTensorEntry {
  readonly name: string;
  /** Innermost dimension first, as in the file. */
  readonly dimensions: readonly bigint[];
  /** GGML's number of the type. */
  readonly type: number;
  /** In bytes from the start of the data. */
  readonly offset: bigint;
  /** Byte position of the entry in the file. */
  readonly at: number;
}

/** The numbers of the metadata types (`gguf_type`). */
export const GGUF_TYPES = { uint32: 4, float32: 6, string: 8, array: 9 } as const;

export const LONGEST_TENSOR_NAME = 63; // GGML_MAX_NAME without its final zero
const LONGEST_KEY = 65_535;
const LONGEST_LIST = 1_000_000; // a vocabulary has a quarter of that; a value takes more memory than its bytes in the file
const MOST_KEYS = 100_000;
const MOST_DIMENSIONS = 4;
const LARGEST_DIMENSION = 2n ** 32n;
const WINDOW = 2 ** 18;

/** @throws GgufError when the header breaks a rule or extends past the end of the file. */
export function readGgufHeader(file: BinaryFile): GgufHeader {
  return file.whileOpen(() => new HeaderReader(file).header());
}

class HeaderReader {
  private at = 0;
  private window: DataView = new DataView(new ArrayBuffer(0));
  private windowStart = 0;

  constructor(private readonly file: BinaryFile) {}

  header(): GgufHeader {
    if (this.file.size < 4 || this.uint32() !== 0x46554747) this.fail(0, "the file does not begin with 'GGUF'; it is not a GGUF file");
    const version = this.uint32();
    if (version !== 2 && version !== 3) this.fail(4, `version ${version} is not 2 or 3, little-endian; convert the file again`);
    const tensorCount = this.count(8 + 1 + 4 + 8 + 4 + 8, 'tensors');
    const keyCount = this.count(8 + 1 + 4 + 1, 'metadata entries', MOST_KEYS);
    return { metadata: this.metadata(keyCount), tensors: this.tensors(tensorCount), end: this.at };
  }

  private metadata(count: number): ReadonlyMap<string, GgufValue> {
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < count; i++) {
      const start = this.at;
      const key = this.name(LONGEST_KEY, 'metadata key');
      if (metadata.has(key)) this.fail(start, `the metadata key '${key}' occurs twice`);
      const type = this.uint32();
      const value = this.value(key, type);
      if (key === 'general.alignment') this.checkAlignment(type, value);
      metadata.set(key, value);
    }
    return metadata;
  }

  private checkAlignment(type: number, alignment: GgufValue): void {
    if (type === GGUF_TYPES.uint32 && typeof alignment === 'number' && alignment > 0 && Number.isInteger(Math.log2(alignment))) return;
    this.fail(this.at, 'general.alignment is not a power of two of type uint32');
  }

  private value(key: string, type: number): GgufValue {
    if (type === GGUF_TYPES.string) return this.text(key);
    if (type === GGUF_TYPES.array) return this.list(key);
    return this.scalar(this.scalarType(type, key));
  }

  private list(key: string): readonly GgufValue[] {
    const type = this.uint32();
    const isText = type === GGUF_TYPES.string;
    const scalar = isText ? undefined : this.scalarType(type, key); // the format has no nested lists
    const count = this.count(scalar?.width ?? 8, `${isText ? 'strings' : 'values'} of '${key}'`, LONGEST_LIST);
    return Array.from({ length: count }, () => (scalar ? this.scalar(scalar) : this.text(key)));
  }

  private scalarType(type: number, key: string): Scalar {
    return SCALARS.get(type) ?? this.fail(this.at - 4, `the value of '${key}' has the unknown type ${type}`);
  }

  private scalar({ width, read }: Scalar): number | bigint | boolean {
    this.reach(width);
    const value = read(this.window, this.at - this.windowStart);
    this.at += width;
    return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value;
  }

  private text(key: string): string {
    return Buffer.from(this.bytes(this.count(1, `bytes of text in '${key}'`))).toString();
  }

  private tensors(count: number): GgufTensorEntry[] {
    const seen = new Set<string>();
    return Array.from({ length: count }, () => {
      const at = this.at;
      const name = this.name(LONGEST_TENSOR_NAME, 'tensor name');
      if (seen.has(name)) this.fail(at, `the tensor '${name}' occurs twice`);
      seen.add(name);
      const rank = this.uint32();
      if (rank === 0 || rank > MOST_DIMENSIONS) this.fail(at, `tensor '${name}' has ${rank} dimensions, not 1…${MOST_DIMENSIONS}`);
      const dimensions = Array.from({ length: rank }, () => this.uint64());
      const largest = dimensions.find((dimension) => dimension > LARGEST_DIMENSION);
      if (largest !== undefined) this.fail(at, `tensor '${name}' has a dimension of ${largest}, more than ${LARGEST_DIMENSION}`);
      return { name, dimensions, type: this.uint32(), offset: this.uint64(), at };
    });
  }

  /** Reads a name, which must be printable ASCII: no model has any other, and no other is safe to print. */
  private name(longest: number, what: string): string {
    const start = this.at;
    const length = this.count(1, `bytes of a ${what}`);
    if (length === 0 || length > longest) this.fail(start, `a ${what} has ${length} bytes, not 1…${longest}`);
    const name = Buffer.from(this.bytes(length)).toString('latin1');
    if (!/^[\x21-\x7e]+$/.test(name) || name === '__proto__') this.fail(start, `a ${what} is not printable ASCII`);
    return name;
  }

  /** Reads a 64-bit count of items that take at least `width` bytes each in the rest of the file. */
  private count(width: number, what: string, most = Number.MAX_SAFE_INTEGER): number {
    const start = this.at;
    const count = this.uint64();
    const room = Math.floor((this.file.size - this.at) / width);
    if (count > room) this.fail(start, `the header claims ${count} ${what}, but the file has room for ${room}; it may be truncated`);
    if (count > most) this.fail(start, `${count} ${what} exceed the limit of ${most}`);
    return Number(count);
  }

  private uint32(): number {
    this.reach(4);
    const value = this.window.getUint32(this.at - this.windowStart, true);
    this.at += 4;
    return value;
  }

  private uint64(): bigint {
    this.reach(8);
    const value = this.window.getBigUint64(this.at - this.windowStart, true);
    this.at += 8;
    return value;
  }

  /** A view of the next bytes, valid until the next read. */
  private bytes(length: number): Uint8Array {
    this.reach(length);
    const start = this.at - this.windowStart;
    this.at += length;
    return new Uint8Array(this.window.buffer, this.window.byteOffset + start, length);
  }

  /** Loads the next bytes into the window. */
  private reach(length: number): void {
    if (this.at >= this.windowStart && this.at + length <= this.windowStart + this.window.byteLength) return;
    const left = this.file.size - this.at;
    if (length > left) this.fail(this.at, 'the file ends within its header; it may be truncated');
    const bytes = this.file.read(this.at, Math.min(Math.max(length, WINDOW), left));
    this.window = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.windowStart = this.at;
  }

  private fail(offset: number, reason: string): never {
    throw new GgufError(this.file.path, offset, reason);
  }
}

/** A metadata type with a single number or boolean. */
interface Scalar {
  /** Bytes. */
  readonly width: number;
  readonly read: (view: DataView, at: number) => number | bigint | boolean;
}

const SCALARS: ReadonlyMap<number, Scalar> = new Map<number, Scalar>([
  [0, { width: 1, read: (view, at) => view.getUint8(at) }],
  [1, { width: 1, read: (view, at) => view.getInt8(at) }],
  [2, { width: 2, read: (view, at) => view.getUint16(at, true) }],
  [3, { width: 2, read: (view, at) => view.getInt16(at, true) }],
  [GGUF_TYPES.uint32, { width: 4, read: (view, at) => view.getUint32(at, true) }],
  [5, { width: 4, read: (view, at) => view.getInt32(at, true) }],
  [GGUF_TYPES.float32, { width: 4, read: (view, at) => view.getFloat32(at, true) }],
  [7, { width: 1, read: (view, at) => view.getUint8(at) !== 0 }],
  [10, { width: 8, read: (view, at) => view.getBigUint64(at, true) }],
  [11, { width: 8, read: (view, at) => view.getBigInt64(at, true) }],
  [12, { width: 8, read: (view, at) => view.getFloat64(at, true) }],
]);
