/**
 * Parses the header of a safetensors file: 8 bytes of length, then JSON with the dtype, shape and position of each tensor.
 *
 * The rules are those of Hugging Face's reader (`safetensors/src/tensor.rs`), plus one that its JSON parser cannot enforce: no key occurs
 * twice. Together they leave one meaning per file, and bound its memory by its own size.
 */
import { type BinaryFile, FileFormatError } from '../binaryFile';
import { bytesPerValue, DTYPES, type Dtype, isDtype } from '../dtypes';
import { type StrictJson, StrictJsonError, walkStrictJson } from '../strictJson';

/** The longest header that readers accept and writers may write. */
export const MAX_HEADER_BYTES = 100_000_000;

/** More tensors than any model has; each takes some memory beyond its bytes in the file. */
const MOST_TENSORS = 2 ** 17;
/** Per tensor; PyTorch's files have at most six. */
const MOST_DIMENSIONS = 16;
/** Values per tensor entry, or in the metadata. */
const MOST_VALUES = 5000;

/** A safetensors file that breaks a rule of the format. */
export class SafetensorsError extends FileFormatError {}

/** The header's entry for one tensor; `begin` and `end` are byte positions in the file. */
export interface SafetensorsInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafetensorsInfo>;
}

/** @throws SafetensorsError when the file breaks any rule of the format. */
export function readSafetensorsHeader(file: BinaryFile): SafetensorsHeader {
  const fail = (offset: number, reason: string): never => {
    throw new SafetensorsError(file.path, offset, reason);
  };
  if (file.size < 8) fail(0, `the file has ${file.size} bytes, but the length of a header alone takes 8; it may be truncated`);
  const length = new DataView(file.read(0, 8).buffer).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) fail(0, `the header claims ${length} bytes, more than the ${MAX_HEADER_BYTES} that the format allows`);
  const dataStart = 8 + Number(length);
  if (dataStart > file.size) fail(0, `the header claims ${length} bytes, but the file ends at ${file.size}; it may be truncated`);

  const bytes = file.read(8, Number(length));
  const tensors = new Map<string, SafetensorsInfo>();
  let metadata: Readonly<Record<string, string>> = {};
  walkHeader(bytes, fail, (name, entry) => {
    if (name === '__metadata__') metadata = metadataOf(entry, fail);
    else tensors.set(name, tensorInfo(name, entry, dataStart, fail));
  });
  checkPlaces(tensors, dataStart, file.size, fail);
  return { metadata, tensors };
}

type Fail = (offset: number, reason: string) => never;

function walkHeader(bytes: Uint8Array, fail: Fail, visit: (name: string, entry: StrictJson) => void): void {
  if (bytes[0] !== 0x7b) fail(8, "the header does not begin with '{'");
  try {
    walkStrictJson(bytes, { entries: MOST_TENSORS, values: MOST_VALUES }, visit);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    fail(8 + error.index, `the header is not valid JSON: ${error.reason}`);
  }
}

function metadataOf(entry: StrictJson, fail: Fail): Record<string, string> {
  if (!(entry instanceof Map)) return fail(8, '__metadata__ is not an object');
  for (const [key, value] of entry) if (typeof value !== 'string') fail(8, `the value of ${quote(key)} in __metadata__ is not a string`);
  return Object.fromEntries(entry); // own properties, even `__proto__`
}

function tensorInfo(name: string, entry: StrictJson, dataStart: number, fail: Fail): SafetensorsInfo {
  if (!(entry instanceof Map)) return fail(8, `the entry of tensor ${quote(name)} is not an object`);
  const dtype = entry.get('dtype');
  if (!isDtype(dtype))
    return fail(8, `tensor ${quote(name)} has dtype ${quote(dtype)}; supported dtypes are ${Object.keys(DTYPES).join(', ')}`);
  const shape = wholeNumbers(entry.get('shape')) ?? fail(8, `the shape of tensor ${quote(name)} is not a list of whole numbers`);
  if (shape.length > MOST_DIMENSIONS) fail(8, `tensor ${quote(name)} has ${shape.length} dimensions, more than ${MOST_DIMENSIONS}`);
  const [begin, end, ...more] = wholeNumbers(entry.get('data_offsets')) ?? [];
  if (begin === undefined || end === undefined || more.length > 0) {
    return fail(8, `the data_offsets of tensor ${quote(name)} are not two whole numbers`);
  }
  const bytes = shape.reduce((size, dimension) => size * BigInt(dimension), BigInt(bytesPerValue(dtype)));
  if (bytes !== BigInt(end) - BigInt(begin)) {
    fail(
      8,
      `tensor ${quote(name)} of ${dtype} [${shape}] takes ${bytes} bytes, but its data_offsets [${begin}, ${end}] span ${end - begin}`,
    );
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

function wholeNumbers(value: unknown): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const isWhole = (item: unknown) => typeof item === 'bigint' && item >= 0n && item <= Number.MAX_SAFE_INTEGER;
  return value.every(isWhole) ? value.map(Number) : undefined;
}

/** Checks that the tensors fill the file: no holes, no overlaps, nothing before or after them. */
function checkPlaces(tensors: ReadonlyMap<string, SafetensorsInfo>, dataStart: number, fileSize: number, fail: Fail): void {
  let position = dataStart;
  const byPlace = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { begin, end }] of byPlace) {
    if (begin !== position)
      fail(
        position,
        `tensor ${quote(name)} begins at byte ${begin}, but the preceding tensor ends here; gaps and overlaps are not allowed`,
      );
    position = end;
  }
  if (position !== fileSize) {
    const fault = position < fileSize ? 'the bytes after it belong to no tensor' : 'the file may be truncated';
    fail(position, `the last tensor ends here, but the file ends at ${fileSize}: ${fault}`);
  }
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
