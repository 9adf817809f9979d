/** The formats in which a weight can be stored, by name. */
import { ArgumentError, UnsupportedError } from '../../runtime';
import { Bfloat16Weight } from './bfloat16Weight';
import { GgufWeight, isWholeBlocks } from './ggufWeight';
import { Int8Weight } from './int8Weight';
import { Nf4Weight } from './nf4Weight';
import type { QuantizedWeight, WeightRows } from './quantizedWeight';

/** Formats of 8 and fewer bits: bitsandbytes' NF4 and int8, and llama.cpp's Q4_1 blocks. */
export type QuantizedFormat = 'nf4' | 'int8' | 'q4_1';

/**
 * Rounds a weight to a format.
 *
 * @throws ArgumentError for an unknown format; UnsupportedError when a row is not a whole number of its blocks.
 */
export function packWeight(format: QuantizedFormat | 'bfloat16', rows: WeightRows): QuantizedWeight {
  if (!Object.hasOwn(PACKERS, format)) throw new ArgumentError(`'${format}' is none of the formats ${Object.keys(PACKERS).join(', ')}`);
  return PACKERS[format](rows);
}

/** @throws UnsupportedError when the format cannot store rows of this width; `name` is the weight's name in the message. */
export function checkStorable(format: QuantizedFormat | 'bfloat16', columns: number, name: string): void {
  if (format !== 'q4_1' || isWholeBlocks(columns)) return;
  throw new UnsupportedError(`'${name}' has rows of ${columns} values, no whole number of q4_1's blocks of 32: use nf4 or int8`);
}

const PACKERS: Readonly<Record<QuantizedFormat | 'bfloat16', (rows: WeightRows) => QuantizedWeight>> = {
  bfloat16: (rows) => Bfloat16Weight.pack(rows),
  nf4: (rows) => Nf4Weight.pack(rows),
  int8: (rows) => Int8Weight.pack(rows),
  q4_1: (rows) => GgufWeight.packQ4_1(rows),
};
