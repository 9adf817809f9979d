/** llama.cpp's GGUF files: metadata, and tensors read and dequantised on demand. */
import { GGMLQuantizationType, type GGUFParseOutput, gguf, type MetadataValue } from '@huggingface/gguf';
import { ArgumentError, UnsupportedError } from '../runtime';
import { reasonOf } from '../runtime/reasonOf';
import { BinaryFile } from './binaryFile';
import { dequantize, GGML_FORMATS, type GgmlType } from './dequantize';
import { GgufError, type GgufOutline, outlineGguf } from './ggufHeader';
import { type GiveMemory, readTensorRows } from './tensorRows';

/** A value of the metadata; whole numbers above 2⁵³ are bigints. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** What the header says of one tensor; `begin` and `end` are bytes of the file. */
export interface GgufTensorInfo {
  readonly type: GgmlType;
  /** Row-major, outermost dimension first: a linear layer's weight is [out, in]. (The file has them the other way round.) */
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Opens a GGUF file and checks its header; no tensor is read yet.
 *
 * @throws GgufError when the file is malformed, FormatError when there is none, UnsupportedError for a tensor type that is not
 * read here.
 */
export async function readGguf(path: string): Promise<GgufFile> {
  const file = new BinaryFile(path);
  const outline = outlineGguf(file);
  const parsed = await parse(path);
  const metadata = metadataOf(parsed, outline);
  return new GgufFile(file, metadata, tensorTable(file, parsed, outline, Number(metadata.get('general.alignment') ?? 32)));
}

/** An open GGUF file: its header in memory, its tensors on disk. */
export class GgufFile {
  constructor(
    private readonly file: BinaryFile,
    readonly metadata: ReadonlyMap<string, GgufValue>,
    readonly tensors: ReadonlyMap<string, GgufTensorInfo>,
  ) {}

  get path(): string {
    return this.file.path;
  }

  /** @throws ArgumentError when the file has no tensor of this name. */
  info(name: string): GgufTensorInfo {
    const info = this.tensors.get(name);
    if (!info) throw new ArgumentError(`${this.path} has no tensor '${name}'; it has ${this.tensors.size}, listed by \`tensors\``);
    return info;
  }

  /** The tensor's blocks, as they are stored. */
  read(name: string): Uint8Array {
    const { begin, end } = this.info(name);
    return this.file.read(begin, end - begin);
  }

  /**
   * The blocks of some rows, `begin` up to but not including `end`, of a tensor with two or more axes.
   *
   * @param buffer where the bytes go. @defaultValue a new array
   */
  readRows(name: string, begin: number, end: number, buffer?: GiveMemory): Uint8Array {
    return readTensorRows(this.file, this.info(name), begin, end, buffer);
  }

  /** The tensor's values as 32-bit floats, row-major. */
  toFloat32(name: string): Float32Array {
    return dequantize(this.info(name).type, this.read(name));
  }
}

async function parse(path: string): Promise<GGUFParseOutput> {
  try {
    return await gguf(path, { allowLocalFile: true });
  } catch (cause) {
    throw new GgufError(path, 0, `the header cannot be read (${reasonOf(cause)})`, { cause });
  }
}

function metadataOf(parsed: GGUFParseOutput, { misreadStrings }: GgufOutline): ReadonlyMap<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (const [key, value] of Object.entries(parsed.metadata)) if (value !== undefined) metadata.set(key, plain(value));
  for (const { key, index, text } of misreadStrings) {
    const value = metadata.get(key);
    if (index === undefined) metadata.set(key, text);
    else if (Array.isArray(value)) value[index] = text;
  }
  return metadata;
}

function plain(value: MetadataValue): GgufValue {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value;
}

/** Checks, as llama.cpp does, that the tensors follow one another, each padded to the alignment, within the file. */
function tensorTable(
  file: BinaryFile,
  { tensorInfos }: GGUFParseOutput,
  { tensorEntries, headerEnd }: GgufOutline,
  alignment: number,
): ReadonlyMap<string, GgufTensorInfo> {
  const table = new Map<string, GgufTensorInfo>();
  const dataStart = padded(headerEnd, alignment);
  let position = dataStart;
  for (const [index, { name, shape, dtype, offset }] of tensorInfos.entries()) {
    const fail = (reason: string): never => {
      throw new GgufError(file.path, tensorEntries[index] ?? 0, `tensor '${name}' ${reason}`);
    };
    const type = ggmlType(file, name, dtype);
    const { values, bytes } = GGML_FORMATS[type];
    if ((shape[0] ?? 0n) % BigInt(values) !== 0n) fail(`has rows of ${shape[0]} values, but ${type} comes in blocks of ${values}`);
    const size = (shape.reduce((product, dimension) => product * dimension, 1n) / BigInt(values)) * BigInt(bytes);
    if (offset !== BigInt(position - dataStart))
      fail(`is at offset ${offset} of the data; ${position - dataStart} is expected, after the one before`);
    if (BigInt(position) + size > file.size)
      fail(`takes ${size} bytes from byte ${position} on, but the file ends at ${file.size}; it may be cut off`);
    const end = position + Number(size);
    table.set(name, { type, shape: shape.map(Number).reverse(), begin: position, end });
    position = padded(end, alignment);
  }
  return table;
}

function ggmlType(file: BinaryFile, name: string, code: number): GgmlType {
  const type: string | undefined = GGMLQuantizationType[code];
  if (type === undefined) throw new GgufError(file.path, 0, `tensor '${name}' has the unknown type ${code}`);
  if (Object.hasOwn(GGML_FORMATS, type)) return type as GgmlType;
  const known = Object.keys(GGML_FORMATS).join(', ');
  throw new UnsupportedError(`${file.path}: tensor '${name}' is of type ${type}; read are ${known}. Quantise the model to one of these.`);
}

function padded(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}
