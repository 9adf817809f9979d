/** Reads llama.cpp's GGUF files: metadata at once, tensors on demand, dequantized if asked for. */
import { ArgumentError, UnsupportedError } from '../../runtime';
import { BinaryFile } from '../binaryFile';
import { type GiveMemory, readTensorRows } from '../tensorRows';
import { dequantize, GGML_FORMATS, GGML_NAMES, type GgmlType } from './dequantize';
import { GgufError, type GgufHeader, type GgufValue, readGgufHeader } from './ggufHeader';

/** The header's entry for one tensor; `begin` and `end` are byte positions in the file. */
export interface GgufTensorInfo {
  readonly type: GgmlType;
  /** Row-major, outermost dimension first: a linear layer's weight is [out, in]. (The file stores the reverse order.) */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Opens a GGUF file and checks its header. Reads no tensor yet.
 *
 * @throws GgufError when the file is malformed, FormatError when it does not exist, UnsupportedError for a tensor type that this library
 * does not read.
 */
export async function readGguf(path: string): Promise<GgufFile> {
  const file = new BinaryFile(path);
  const header = readGgufHeader(file);
  return new GgufFile(file, header.metadata, tensorTable(file, header));
}

/** An open GGUF file, with its header in memory and its tensors on disk. */
export class GgufFile {
  constructor(
    private readonly file: BinaryFile,
    readonly metadata: ReadonlyMap<string, GgufValue>,
    readonly tensors: ReadonlyMap<string, GgufTensorInfo>,
  ) {}

  /** The path that it was opened by. */
  get path(): string {
    return this.file.path;
  }

  /** @throws ArgumentError when the file has no tensor with this name. */
  info(name: string): GgufTensorInfo {
    const info = this.tensors.get(name);
    if (!info) throw new ArgumentError(`${this.path} has no tensor '${name}'; it has ${this.tensors.size}, listed by \`tensors\``);
    return info;
  }

  /** The tensor's blocks as stored. */
  read(name: string): Uint8Array {
    const { begin, end } = this.info(name);
    return this.file.read(begin, end - begin);
  }

  /**
   * The blocks of the rows from `begin` up to but not including `end`, for a tensor with two or more axes.
   *
   * @param buffer provides memory for the bytes. @defaultValue a new array
   */
  readRows(name: string, begin: number, end: number, buffer?: GiveMemory): Uint8Array {
    return readTensorRows(this.file, this.info(name), begin, end, buffer);
  }

  /** The tensor's values as 32-bit floats, row-major. */
  toFloat32(name: string): Float32Array {
    return dequantize(this.info(name).type, this.read(name));
  }
}

/** Checks, like llama.cpp, that the tensors follow one another inside the file, each padded to the alignment. */
function tensorTable(file: BinaryFile, { metadata, tensors, end: headerEnd }: GgufHeader): ReadonlyMap<string, GgufTensorInfo> {
  const alignment = Number(metadata.get('general.alignment') ?? 32);
  const table = new Map<string, GgufTensorInfo>();
  const dataStart = padded(headerEnd, alignment);
  let position = dataStart;
  for (const { name, dimensions, type: code, offset, at } of tensors) {
    const fail = (reason: string): never => {
      throw new GgufError(file.path, at, `tensor '${name}' ${reason}`);
    };
    const type = ggmlType(file, name, code);
    const { values, bytes } = GGML_FORMATS[type];
    if ((dimensions[0] ?? 0n) % BigInt(values) !== 0n) fail(`has rows of ${dimensions[0]} values, but ${type} has blocks of ${values}`);
    const size = (dimensions.reduce((product, dimension) => product * dimension, 1n) / BigInt(values)) * BigInt(bytes);
    if (offset !== BigInt(position - dataStart))
      fail(`is at data offset ${offset}; expected ${position - dataStart}, right after the preceding tensor`);
    if (BigInt(position) + size > file.size)
      fail(`takes ${size} bytes from byte ${position} on, but the file ends at ${file.size}; it may be truncated`);
    const end = position + Number(size);
    table.set(name, { type, shape: dimensions.map(Number).reverse(), begin: position, end });
    position = padded(end, alignment);
  }
  return table;
}

function ggmlType(file: BinaryFile, name: string, code: number): GgmlType {
  const type = GGML_NAMES[code] ?? '';
  if (type === '') throw new GgufError(file.path, 0, `tensor '${name}' has the unknown type ${code}`);
  if (Object.hasOwn(GGML_FORMATS, type)) return type as GgmlType;
  const known = Object.keys(GGML_FORMATS).join(', ');
  throw new UnsupportedError(
    `${file.path}: tensor '${name}' has type ${type}; supported types are ${known}. Quantize the model to one of these.`,
  );
}

/** The next multiple of the alignment. */
export function padded(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}
