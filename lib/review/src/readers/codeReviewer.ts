/** Records of CodeReviewer's data set (Li et al. 2022, arXiv 2203.09095): `cls-*.jsonl`, `msg-*.jsonl` and `ref-*.jsonl`. */
import { FormatError, type JsonObject } from 'lowrank';
import type { ReviewExample } from '../reviewExample';

/** Names of the languages, by what the data set calls them. */
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
 * The example that a record stands for: with `old`, `new` and `comment` a refinement; with `patch` and `y` a necessity label;
 * with `patch` and `msg` a comment.
 *
 * @throws FormatError when it has none of these, or a field is of another type.
 */
export function codeReviewerExample(record: JsonObject, id: string): ReviewExample {
  const language = languageOf(record.lang);
  if (record.old !== undefined || record.new !== undefined) return refinement(record, id, language);
  const patch = text(record, 'patch');
  const comment = record.msg === undefined || record.msg === null ? '' : text(record, 'msg', { mayBeEmpty: true });
  const needsReview = record.y === undefined ? true : isPositive(record.y);
  if (record.y === undefined && comment === '') throw new FormatError('a patch without y and without msg says nothing of its review');
  return { id, source: 'codereviewer', language, patch, needsReview, ...(needsReview && comment !== '' && { comment }) };
}

function refinement(record: JsonObject, id: string, language: string): ReviewExample {
  return {
    id,
    source: 'codereviewer',
    language,
    needsReview: true,
    comment: text(record, 'comment'),
    code: withoutSigns(text(record, 'old')),
    refinedCode: withoutSigns(text(record, 'new', { mayBeEmpty: true })),
  };
}

/** Each line without its first column, which holds the sign of the diff; git's mark "\ No newline at end of file" is no line of code. */
function withoutSigns(lines: string): string {
  return lines
    .split('\n')
    .filter((line) => !line.startsWith('\\'))
    .map((line) => line.slice(1))
    .join('\n');
}

function text(record: JsonObject, name: string, { mayBeEmpty = false } = {}): string {
  const value = record[name];
  if (typeof value !== 'string') throw new FormatError(`${name} is ${value === undefined ? 'missing' : 'no text'}`);
  if (!mayBeEmpty && value.trim() === '') throw new FormatError(`${name} is empty`);
  return value;
}

function isPositive(y: unknown): boolean {
  if (y !== 0 && y !== 1) throw new FormatError(`y is ${JSON.stringify(y)?.slice(0, 40)}; it should be 0 or 1`);
  return y === 1;
}

function languageOf(lang: unknown): string {
  if (typeof lang !== 'string') return '';
  const name = lang.toLowerCase().replace(/^\./, '');
  return Object.hasOwn(languages, name) ? (languages[name] ?? name) : name.slice(0, 40);
}
