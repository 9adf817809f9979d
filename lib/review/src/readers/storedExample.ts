/** Reads data sets that this library has written, such as the lint reviews. */
import { FormatError, type JsonObject } from 'lowrank';
import { isJsonObject } from 'lowrank/internal';
import { misspelledField } from '../prompts';
import type { ReviewExample, ReviewOrigin } from '../reviewExample';
import { recordText } from './recordText';

/** Texts of our own files may be empty. */
const text = (record: JsonObject, name: string) => recordText(record, name, { mayBeEmpty: true });
const texts = ['patch', 'comment', 'code', 'markedCode', 'refinedCode'] as const;
const sources = ['lint', 'codereviewer', 'tufano', 'instructions'] as const;

/** Whether a record has our format, so that errors refer to it. */
export function isStoredExample(record: JsonObject): boolean {
  return 'source' in record && 'id' in record;
}

/** @throws FormatError when a field is missing, misspelled or has the wrong type. */
export function storedExample(record: JsonObject): ReviewExample {
  const misspelled = misspelledField(record);
  if (misspelled !== undefined) throw new FormatError(`the record has ${misspelled}`);
  const source = sources.find((name) => name === record.source);
  if (!source) throw new FormatError(`source ${JSON.stringify(record.source)?.slice(0, 40)} is not one of ${sources.join(', ')}`);
  const { needsReview } = record;
  if (needsReview !== undefined && typeof needsReview !== 'boolean') throw new FormatError('needsReview must be true or false');
  const example: Record<string, unknown> = { id: text(record, 'id'), source, language: text(record, 'language') };
  for (const name of texts) if (record[name] !== undefined) example[name] = text(record, name);
  if (needsReview !== undefined) example.needsReview = needsReview;
  if (record.origin !== undefined) example.origin = origin(record.origin);
  return example as unknown as ReviewExample; // every field has been checked
}

function origin(value: unknown): ReviewOrigin {
  if (!isJsonObject(value)) throw new FormatError('origin is not an object');
  const { line, rule } = value;
  if (typeof line !== 'number') throw new FormatError('the line of origin is not a number');
  const place = { package: text(value, 'package'), version: text(value, 'version'), file: text(value, 'file'), line };
  return rule === undefined ? place : { ...place, rule: text(value, 'rule') };
}
