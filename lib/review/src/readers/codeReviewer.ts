/** Reads records of CodeReviewer's data set (Li et al. 2022, arXiv 2203.09095): `cls-*.jsonl`, `msg-*.jsonl` and `ref-*.jsonl`. */
import { FormatError, type JsonObject } from 'lowrank';
import type { ReviewExample } from '../reviewExample';
import { recordText } from './recordText';

/** Language names, by their abbreviation in the data set. */
const languages: Readonly<Record<string, string>> = {
  c: 'c',
  cpp: 'c++',
  cs: 'c#',
  go: 'go',
  java: 'java',
  js: 'javascript',
  php: 'php',
  py: 'python',
  rb: 'ruby',
  ts: 'typescript',
};

/**
 * Converts a record to an example: `old`, `new` and `comment` make a refinement, `patch` and `y` a necessity label, `patch` and `msg` a
 * comment.
 *
 * @throws FormatError when the record has none of these sets of fields, or a field has the wrong type.
 */
export function codeReviewerExample(record: JsonObject, id: string): ReviewExample {
  const language = languageOf(record.lang ?? record.language);
  if (record.old !== undefined || record.new !== undefined) return refinement(record, id, language);
  const patch = recordText(record, 'patch');
  const comment = record.msg === undefined || record.msg === null ? '' : recordText(record, 'msg', { mayBeEmpty: true });
  const needsReview = record.y === undefined ? true : isPositive(record.y);
  if (record.y === undefined && comment === '') throw new FormatError('a patch needs y or msg');
  return { id, source: 'codereviewer', language, patch, needsReview, ...(needsReview && comment !== '' && { comment }) };
}

function refinement(record: JsonObject, id: string, language: string): ReviewExample {
  return {
    id,
    source: 'codereviewer',
    language,
    needsReview: true,
    comment: recordText(record, 'comment'),
    code: withoutSigns(record, 'old'),
    refinedCode: withoutSigns(record, 'new', { mayBeEmpty: true }),
  };
}

/**
 * Removes the first column of each line, which holds the diff sign, and git's mark "\ No newline at end of file".
 *
 * @throws FormatError where a line has no sign, and would lose a character of its code.
 */
function withoutSigns(record: JsonObject, name: string, options = {}): string {
  const lines = recordText(record, name, options).split('\n');
  const bare = lines.find((line) => /^[^ +\-\\\r]/.test(line));
  if (bare !== undefined) throw new FormatError(`a line of ${name} begins with no sign of a diff: ${JSON.stringify(bare.slice(0, 40))}`);
  return lines
    .filter((line) => !line.startsWith('\\'))
    .map((line) => line.slice(1))
    .join('\n');
}

function isPositive(y: unknown): boolean {
  if (y !== 0 && y !== 1) throw new FormatError(`y is ${JSON.stringify(y)?.slice(0, 40)}; expected 0 or 1`);
  return y === 1;
}

function languageOf(lang: unknown): string {
  if (typeof lang !== 'string') return '';
  const name = lang.toLowerCase().replace(/^\./, '');
  return Object.hasOwn(languages, name) ? (languages[name] ?? name) : name.slice(0, 40);
}
