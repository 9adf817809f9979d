/** Checks token ids, labels and masks from the caller before any memory is allocated. */

import { IGNORE_INDEX } from '../nn';
import { ArgumentError, deviceInfo, isTracing, ShapeError, tf } from '../runtime';
import { shown } from '../runtime/messages/shown';
import type { LlamaConfig } from './config';

/**
 * Rows of whole numbers, or an int32 tensor of them. Shapes: (B, T). The values of rows are checked, and those of tensors on a CPU; on a GPU, where
 * reading them would end its lead over the host, TensorFlow takes zeros for the row of an unknown id.
 */
export type TokenRows = readonly (readonly number[])[] | tf.Tensor2D;

/**
 * Token ids as a tensor. A traced function can accept one, which is unread.
 *
 * @throws ShapeError when there are no ids, or rows differ in length; ArgumentError when an id is not in the vocabulary, or a tensor is not of
 * int32.
 */
export function idTensor(ids: TokenRows, { vocabSize }: LlamaConfig): tf.Tensor2D {
  checkIds(readable('inputIds', ids), vocabSize);
  return rowTensor('inputIds', ids);
}

/**
 * Checks labels against their ids.
 *
 * @throws ShapeError when the shapes differ; ArgumentError when a label is neither −100 nor in the vocabulary.
 */
export function checkLabels(labels: TokenRows, ids: tf.Tensor2D, { vocabSize }: LlamaConfig): void {
  checkLabelIds(readable('labels', labels), vocabSize);
  const shape = rowShape('labels', labels);
  if (shape.join() !== ids.shape.join()) {
    throw new ShapeError(`labels have shape [${shape}], inputIds [${ids.shape}]: give one label per id, unshifted`);
  }
}

/**
 * The attention mask as a tensor over `keys` positions: 1 on tokens, 0 on padding.
 *
 * @throws ShapeError when the shape is wrong; ArgumentError when a value is neither 0 nor 1, or a row has no token.
 */
export function maskTensor(mask: TokenRows, rows: number, keys: number): tf.Tensor2D {
  checkMask(readable('attentionMask', mask));
  const tensor = rowTensor('attentionMask', mask);
  if (tensor.shape[0] !== rows || tensor.shape[1] !== keys) {
    throw new ShapeError(`attentionMask has shape [${tensor.shape}], not [${rows},${keys}] as inputIds (and the cache) say`);
  }
  return tensor;
}

/**
 * The segment of each token as a tensor.
 *
 * @throws ShapeError when the shape differs from that of the ids; ArgumentError when a value is not a whole number from 0 up, or the
 * tokens of a segment are not contiguous.
 */
export function segmentTensor(segmentIds: TokenRows, ids: tf.Tensor2D): tf.Tensor2D {
  checkSegments(readable('segmentIds', segmentIds));
  const tensor = rowTensor('segmentIds', segmentIds);
  if (tensor.shape.join() === ids.shape.join()) return tensor;
  throw new ShapeError(`segmentIds have shape [${tensor.shape}], inputIds [${ids.shape}]: give one segment per id`);
}

/**
 * The rows, or those of a tensor that is cheap to read; otherwise none.
 *
 * @throws ArgumentError when a tensor is not of int32; ShapeError when these are no rows.
 */
function readable(name: string, rows: TokenRows): readonly (readonly number[])[] {
  if (!(rows instanceof tf.Tensor)) {
    checkRows(name, rows);
    return rows;
  }
  if (rows.dtype !== 'int32')
    throw new ArgumentError(`${name} is a tensor of ${rows.dtype}: make it one of int32, tf.tensor2d(rows, shape, 'int32')`);
  return isTracing() || rows.rank !== 2 || deviceInfo().device === 'GPU' ? [] : rows.arraySync();
}

/** @throws ArgumentError with the id and its place when it is not in the vocabulary. */
export function checkIds(rows: readonly (readonly number[])[], vocabSize: number): void {
  eachValue(rows, (id, place) => {
    if (!isId(id, vocabSize)) throw new ArgumentError(`token id ${id} at ${place} is not in the vocabulary, 0…${vocabSize - 1}`);
  });
}

/** @throws ArgumentError with the label and its place when it is neither −100 nor in the vocabulary. */
export function checkLabelIds(labels: readonly (readonly number[])[], vocabSize: number): void {
  eachValue(labels, (label, place) => {
    if (label === IGNORE_INDEX || isId(label, vocabSize)) return;
    throw new ArgumentError(`label ${label} at ${place} is neither ${IGNORE_INDEX} nor in the vocabulary of ${vocabSize} ids`);
  });
}

/** @throws ArgumentError when a value is neither 0 nor 1, or a row has no token; ShapeError when these are no rows. */
export function checkMask(mask: readonly (readonly number[])[]): void {
  checkRows('attentionMask', mask);
  eachValue(mask, (value, place) => {
    if (value !== 0 && value !== 1) throw new ArgumentError(`attentionMask is ${value} at ${place}; it is 1 on tokens, 0 on padding`);
  });
  const empty = mask.findIndex((row) => !row.includes(1));
  if (empty >= 0) throw new ArgumentError(`attentionMask hides every token of row ${empty}: leave that row out`);
}

/** @throws ArgumentError when a value is not a whole number from 0 up, or the tokens of a segment are not neighbours; ShapeError when these are no rows. */
export function checkSegments(segmentIds: readonly (readonly number[])[]): void {
  checkRows('segmentIds', segmentIds);
  eachValue(segmentIds, (value, place) => {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new ArgumentError(`segment ${value} at ${place} is not a whole number of 0 or more`);
  });
  for (const [r, row] of segmentIds.entries()) {
    const again = row.findIndex((segment, t) => segment !== row[t - 1] && row.indexOf(segment) < t);
    if (again >= 0)
      throw new ArgumentError(`segment ${row[again]} begins again at row ${r}, position ${again}: its tokens must be neighbours`);
  }
}

/** @throws ArgumentError when a sequence exceeds the model's positions. */
export function checkLength(tokens: number, { maxPositionEmbeddings }: LlamaConfig, what = 'a sequence'): void {
  if (tokens <= maxPositionEmbeddings) return;
  throw new ArgumentError(`${what} of ${tokens} tokens does not fit the model's ${maxPositionEmbeddings} positions: shorten it`);
}

function isId(value: number, vocabSize: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < vocabSize;
}

/** @throws ShapeError for anything but rows of numbers, such as one row. */
export function checkRows(name: string, rows: unknown): void {
  const isRows = Array.isArray(rows) && rows.every((row) => Array.isArray(row));
  if (!isRows) throw new ShapeError(`${name} are ${shown(rows)}, not rows: give a list of numbers for each text, [[1, 2, 3]]`);
}

function eachValue(rows: readonly (readonly number[])[], visit: (value: number, place: string) => void): void {
  for (const [r, row] of rows.entries()) for (const [t, value] of row.entries()) visit(value, `row ${r}, position ${t}`);
}

/** Rows of equal length as an int32 tensor. */
export function rowTensor(name: string, rows: TokenRows): tf.Tensor2D {
  const shape = rowShape(name, rows);
  if (rows instanceof tf.Tensor) return rows;
  return tf.tensor2d(Int32Array.from(rows.flat()), shape, 'int32');
}

/** The shape of rows. Throws for empty and ragged rows. */
function rowShape(name: string, rows: TokenRows): [number, number] {
  if (rows instanceof tf.Tensor) {
    if (rows.rank !== 2 || rows.size === 0)
      throw new ShapeError(`${name} must be (batch, tokens) and not empty; got shape [${rows.shape}]`);
    return rows.shape;
  }
  const width = rows[0]?.length ?? 0;
  if (width === 0) throw new ShapeError(`${name} must have at least one row of at least one value`);
  const ragged = rows.findIndex((row) => row.length !== width);
  if (ragged >= 0) {
    const lengths = `row ${ragged} has ${rows[ragged]?.length} values, row 0 has ${width}`;
    throw new ShapeError(`${name} must not be ragged: ${lengths}. Pad to one length and hide the padding with attentionMask`);
  }
  return [rows.length, width];
}
