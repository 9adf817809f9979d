/** A checksum by which workers and resumed runs notice other data. */
import { createHash } from 'node:crypto';
import type { Batch } from './batch';

/** A checksum of every id, label and mask, and of the ends of the rows. */
export function checksum(batches: readonly Batch[]): Buffer {
  const hash = createHash('sha256');
  const add = (rows: readonly (readonly number[])[] = []) => {
    for (const row of rows) hash.update(Int32Array.of(row.length)).update(Int32Array.from(row));
    hash.update(Int32Array.of(-1));
  };
  for (const { inputIds, labels, attentionMask, segmentIds } of batches) {
    for (const rows of [inputIds, labels, attentionMask, segmentIds]) add(rows);
  }
  return hash.digest();
}
