/** Writes GGUF files field by field, so that each field can be wrong. */

export type Field = readonly [key: string, type: number, value: Uint8Array];
export interface Entry {
  readonly name: string;
  /** Innermost first, as the file has them. */
  readonly dimensions: readonly (number | bigint)[];
  readonly type: number;
  readonly offset: number | bigint;
}

/** The codes of the value types. */
export const GGUF = { uint8: 0, int8: 1, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9, uint64: 10 } as const;

export function uint32(value: number): Uint8Array {
  return Buffer.from(Uint32Array.of(value).buffer);
}

export function uint64(value: number | bigint): Uint8Array {
  return Buffer.from(BigUint64Array.of(BigInt.asUintN(64, BigInt(value))).buffer);
}

export function float32(value: number): Uint8Array {
  return Buffer.from(Float32Array.of(value).buffer);
}

export function string(text: string): Uint8Array {
  return Buffer.concat([uint64(Buffer.byteLength(text)), Buffer.from(text)]);
}

export function array(type: number, items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([uint32(type), uint64(items.length), ...items]);
}

export function entryOf({ name, dimensions, type, offset }: Entry): Uint8Array {
  return Buffer.concat([string(name), uint32(dimensions.length), ...dimensions.map(uint64), uint32(type), uint64(offset)]);
}

export interface Parts {
  readonly magic?: string;
  readonly version?: number;
  readonly tensorCount?: number | bigint;
  readonly keyCount?: number | bigint;
  readonly fields?: readonly Field[];
  readonly entries?: readonly Entry[];
  readonly alignment?: number;
  readonly data?: Uint8Array;
}

export function ggufFile(parts: Parts): Uint8Array {
  const { magic = 'GGUF', version = 3, fields = [], entries = [], alignment = 32, data = new Uint8Array() } = parts;
  const header = Buffer.concat([
    Buffer.from(magic),
    uint32(version),
    uint64(parts.tensorCount ?? entries.length),
    uint64(parts.keyCount ?? fields.length),
    ...fields.map(([key, type, value]) => Buffer.concat([string(key), uint32(type), value])),
    ...entries.map(entryOf),
  ]);
  return Buffer.concat([header, new Uint8Array(-header.length & (alignment - 1)), data]);
}
