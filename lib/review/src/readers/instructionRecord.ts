/** Records of instruction tuning (Alpaca's fields), as LLaMA-Reviewer's prompts fill them (Lu et al. 2023, arXiv 2308.11148). */
import { FormatError, type JsonObject } from 'lowrank';
import type { ReviewExample } from '../reviewExample';
import { recordText } from './recordText';

const LANGUAGE = /^The programming language is: ?['"]?([^'"\n]{1,40})['"]?\.?\n/;
const COMMENT = /^The (?:review )?comment is: ?'/;
const CODE_AFTER = /'[ .]{0,2}\n{0,2}The (?:source )?(code|diff hunk)[^:\n]{0,20} is: ?'/;
const CODE = /^The (?:source )?(code|diff hunk)[^:\n]{0,20} is: ?'/;
const REFINES = /^\W*(?:rewrite|revise|fix|improve|modify|update|change)\b|\brefin/i;

/** Whether a record has these fields. */
export function isInstructionRecord(record: JsonObject): boolean {
  return 'instruction' in record && 'output' in record;
}

/**
 * The example that a record stands for: with a comment and code in `input` a refinement; with yes or no in `output` a necessity label;
 * else a comment.
 *
 * @throws FormatError when it is none of these tasks, or a field is of another type.
 */
export function instructionExample(record: JsonObject, id: string): ReviewExample {
  const [instruction = '', input = '', output = ''] = ['instruction', 'input', 'output'].map((name) => recordText(record, name));
  const [label = '', name = ''] = LANGUAGE.exec(input) ?? [];
  const { comment, code, isDiff } = partsOf(input.slice(label.length));
  if (code.trim() === '') throw new FormatError('input has no code');
  const example = { id, source: 'instructions', language: name.toLowerCase(), needsReview: true } as const;
  if (comment !== undefined) return { ...example, comment, code, refinedCode: output };
  const [answer = ''] = /^(?:yes|no)(?=\W*$)/i.exec(output.trim()) ?? [];
  const isAbout = (pattern: RegExp) => pattern.test(instruction);
  if (answer !== '' && isAbout(/review/i)) return { ...example, patch: code, needsReview: answer.toLowerCase() === 'yes' };
  if (isAbout(/\bwhether\b/i)) throw new FormatError(`output is ${shown(output)}, neither yes nor no`);
  if (isAbout(REFINES)) throw new FormatError(`input has no comment; expected "The comment is: '…'" and "The code is: '…'"`);
  if (isAbout(/review|comment/i)) return { ...example, ...(isDiff ? { patch: code } : { code }), comment: output };
  throw new FormatError(`instruction ${shown(instruction)} does not ask for a review, a comment or refined code`);
}

interface InputParts {
  readonly comment?: string;
  readonly code: string;
  readonly isDiff: boolean;
}

/** The quoted part of an input; an input without quotes is all code. */
function partsOf(input: string): InputParts {
  const [opening] = COMMENT.exec(input) ?? [];
  const [separator, kind, at] = matchOf(CODE_AFTER, input);
  if (opening !== undefined && separator !== undefined)
    return { comment: input.slice(opening.length, at), code: unquoted(input.slice(at + separator.length)), isDiff: kind === 'diff hunk' };
  const [before, kindBefore] = matchOf(CODE, input);
  const code = before === undefined ? input : unquoted(input.slice(before.length));
  return { code, isDiff: kindBefore === 'diff hunk' || code.startsWith('@@ ') };
}

function matchOf(pattern: RegExp, input: string): [whole: string | undefined, kind: string | undefined, at: number] {
  const found = pattern.exec(input);
  return [found?.[0], found?.[1], found?.index ?? 0];
}

function unquoted(code: string): string {
  return code.replace(/'\.?$/, '');
}

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 60));
}
