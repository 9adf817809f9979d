/** The common beginning of several texts, as of prompts with one instruction: the model reads it once. */
import { paddedLength } from './cacheCapacity';
import { longest } from './padLeft';

type Rows = readonly (readonly number[])[];

/** The number of tokens that all rows begin with. Each row keeps one of its own; a single row shares nothing. */
export function sharedLength(rows: Rows): number {
  const [first = [], ...others] = rows;
  const differs = first.findIndex((id, i) => i === first.length - 1 || others.some((row) => row[i] !== id || i === row.length - 1));
  return others.length > 0 ? Math.max(0, differs) : 0;
}

/** Fewer tokens saved are not worth a pass of their own, nor the tracing of its shape. */
const LEAST_SAVED = 256;

/** A pass is traced for each length. In steps of this, texts that happen to agree in a few more tokens take no further one. */
const STEP = 8;

/** How many first tokens to read once for padded rows: 0 where it saves too little. The cache takes no more places than without. */
export function worthSharing(rows: Rows): number {
  const most = longest(rows);
  const shared = STEP * Math.floor(sharedLength(rows) / STEP);
  const shorter = paddedLength(most) - paddedLength(most - shared);
  return rows.length * shorter - shared >= LEAST_SAVED ? Math.min(shared, shorter) : 0;
}
