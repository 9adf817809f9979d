/** Reads Hugging Face's safetensors files by tensor name, on demand, and writes them atomically. */
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { type StagedFile, stageFile } from '../atomicFile';
import { BinaryFile } from '../binaryFile';
import { bytesPerValue, DTYPES, type Dtype, toFloat32 } from '../dtypes';
import { type GiveMemory, readTensorRows } from '../tensorRows';
import { MAX_HEADER_BYTES, readSafetensorsHeader, type SafetensorsHeader, type SafetensorsInfo } from './safetensorsHeader';

/** The bytes of one tensor, little-endian and row-major. */
export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian and row-major. */
  readonly bytes: Uint8Array;
}

/**
 * Opens a safetensors file and checks its header against every rule of the format. Reads no tensor yet.
 *
 * @throws SafetensorsError when the file is malformed, FormatError when it does not exist.
 */
export function readSafetensors(path: string): SafetensorsFile {
  const file = new BinaryFile(path);
  return new SafetensorsFile(file, readSafetensorsHeader(file));
}

/** An open safetensors file, with its header in memory and its tensors on disk. */
export class SafetensorsFile {
  /** Free text from the writer, such as `{format: 'pt'}`. */
  readonly metadata: Readonly<Record<string, string>>;
  private readonly tensors: ReadonlyMap<string, SafetensorsInfo>;

  constructor(
    private readonly file: BinaryFile,
    header: SafetensorsHeader,
  ) {
    this.metadata = header.metadata;
    this.tensors = header.tensors;
  }

  /** The path that it was opened by. */
  get path(): string {
    return this.file.path;
  }

  /** The names of the tensors, in the header's order. */
  get names(): readonly string[] {
    return [...this.tensors.keys()];
  }

  /** Whether it contains a tensor with this name. */
  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** @throws ArgumentError when the file has no tensor with this name. */
  info(name: string): SafetensorsInfo {
    const info = this.tensors.get(name);
    if (!info)
      throw new ArgumentError(`${this.path} has no tensor ${JSON.stringify(name)}; it has ${this.tensors.size}, listed by \`names\``);
    return info;
  }

  /** The tensor's bytes as stored. */
  read(name: string): StoredTensor {
    const { dtype, shape, begin, end } = this.info(name);
    return { dtype, shape, bytes: this.file.read(begin, end - begin) };
  }

  /**
   * The bytes of the rows from `begin` up to but not including `end`, along the first axis.
   *
   * @param buffer provides memory for the bytes. @defaultValue a new array
   */
  readRows(name: string, begin: number, end: number, buffer?: GiveMemory): Uint8Array {
    return readTensorRows(this.file, this.info(name), begin, end, buffer);
  }

  /** Runs `work`. The file is opened once for all its reads. */
  whileOpen<T>(work: () => T): T {
    return this.file.whileOpen(work);
  }

  /** The tensor's values as 32-bit floats, row-major. */
  toFloat32(name: string): Float32Array {
    const { dtype, bytes } = this.read(name);
    return toFloat32(dtype, bytes);
  }
}

/** A tensor to write. A function is called only when its turn comes, so not all tensors need to be in memory at once. */
export interface TensorToStore {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian and row-major. */
  readonly bytes: Uint8Array | (() => Uint8Array);
}

/** Additions to the tensors of a file. */
export interface SafetensorsOptions {
  /** Free text, such as `{format: 'pt'}`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a safetensors file in the layout of Hugging Face's writer: widest dtypes first, then by name, with the header padded to
 * 8 bytes. The file appears under its name only when it is complete.
 *
 * @throws ArgumentError when a tensor's bytes do not fit its shape, or the header would be too long.
 */
export function writeSafetensors(path: string, tensors: Iterable<NamedTensorToStore>, options: SafetensorsOptions = {}): void {
  stageSafetensors(path, tensors, options).commit();
}

/** A tensor with its name. */
export type NamedTensorToStore = readonly [name: string, tensor: TensorToStore];

/** Writes a safetensors file like {@link writeSafetensors}, but under a temporary name until it is committed. */
export function stageSafetensors(path: string, tensors: Iterable<NamedTensorToStore>, options: SafetensorsOptions = {}): StagedFile {
  checkKnown('stageSafetensors', options, ['metadata']);
  const { metadata = {} } = options;
  const sorted = [...tensors].sort(([nameA, a], [nameB, b]) => dtypeOrder(b.dtype) - dtypeOrder(a.dtype) || compareUtf8(nameA, nameB));
  const header = layOut(sorted, metadata);
  return stageFile(path, (append) => {
    append(header);
    for (const [name, { dtype, shape, bytes: given }] of sorted) {
      const bytes = typeof given === 'function' ? given() : given;
      if (bytes.byteLength !== byteLength(dtype, shape)) {
        throw new ArgumentError(
          `tensor ${JSON.stringify(name)} of ${dtype} [${shape}] takes ${byteLength(dtype, shape)} bytes; got ${bytes.byteLength}`,
        );
      }
      append(bytes);
    }
  });
}

function layOut(sorted: readonly NamedTensorToStore[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) entries.set('__metadata__', metadata);
  let position = 0;
  for (const [name, { dtype, shape }] of sorted) {
    if (name === '__metadata__' || entries.has(name))
      throw new ArgumentError(`the tensor name ${JSON.stringify(name)} occurs twice; give each tensor its own name`);
    const end = position + byteLength(dtype, shape);
    entries.set(name, { dtype, shape, data_offsets: [position, end] });
    position = end;
  }
  const json = `{${Array.from(entries, ([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.byteLength / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw new ArgumentError(`a header of ${length} bytes is longer than ${MAX_HEADER_BYTES}: use fewer tensors`);
  const header = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return header;
}

/** The number of bytes in a tensor's values. */
export function byteLength(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, bytesPerValue(dtype));
}

/** The position of a dtype in the order of the reference writer, which keeps every tensor aligned to its own width. */
function dtypeOrder(dtype: Dtype): number {
  return Object.keys(DTYPES).indexOf(dtype);
}

function compareUtf8(a: string, b: string): number {
  const [first, second] = [new TextEncoder().encode(a), new TextEncoder().encode(b)];
  const at = first.findIndex((byte, index) => byte !== second[index]);
  return at < 0 ? first.length - second.length : (first[at] ?? 0) - (second[at] ?? -1);
}
