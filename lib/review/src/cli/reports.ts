/** Prints reviews as text, JSON and SARIF. */
import { printable, printableJson } from 'lowrank/internal';
import type { HunkReview } from '../index';

/** Facts about a reviewed diff besides its reviews. */
export interface ReviewedDiff {
  readonly hunks: number;
  /** Files without a hunk to review, and hunks that were skipped. */
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
  readonly version: string;
}

export function textReport({ hunk, probability, comment, refinedCode }: HunkReview): string {
  const place = `${printableName(hunk.file)}:${hunk.line}${hunk.endLine > hunk.line ? `-${hunk.endLine}` : ''}`;
  const chance = probability === undefined ? '' : ` (review needed: ${(100 * probability).toFixed(0)} %)`;
  const suggestion = refinedCode === undefined ? [] : ['  suggested code:', ...indented(refinedCode, '    | ')];
  return [`${place}${chance}`, ...indented(comment, '  '), ...suggestion, ''].map((line) => `${line}\n`).join('');
}

export function textSummary(reviews: number, { hunks, skipped }: ReviewedDiff): string {
  const left = skippedFiles(skipped);
  if (hunks === 0) return `${left}There is nothing to review.\n`;
  return `${left}${counted(reviews, 'review')} of ${counted(hunks, 'hunk')}.\n`;
}

/** One line for each. */
export function skippedFiles(skipped: ReviewedDiff['skipped']): string {
  return skipped.map(({ file, reason }) => `${printableName(file)}: ${reason}, not reviewed\n`).join('');
}

export function jsonReport(reviews: readonly HunkReview[], { hunks, skipped, version }: ReviewedDiff): string {
  const rows = reviews.map(({ hunk, probability, comment, refinedCode }) => ({
    file: hunk.file,
    line: hunk.line,
    endLine: hunk.endLine,
    language: hunk.language,
    ...(probability !== undefined && { probability }),
    comment,
    ...(refinedCode !== undefined && { suggestion: { startLine: hunk.codeStart, lines: hunk.codeLines, code: refinedCode } }),
    patch: hunk.patch,
  }));
  return `${printableJson({ version, hunks, skipped, reviews: rows })}\n`;
}

/** All reviews in the static analysis results interchange format, SARIF 2.1.0 (OASIS), which code hosts and editors read. */
export function sarifReport(reviews: readonly HunkReview[], { skipped, version }: ReviewedDiff): string {
  const notifications = skipped.map(({ file, reason }) => ({ level: 'note', message: { text: `${file}: ${reason}, not reviewed` } }));
  const run = {
    tool: {
      driver: {
        name: 'lowrank',
        version,
        semanticVersion: version,
        rules: [
          {
            id: 'review-comment',
            shortDescription: { text: 'A review comment written by a language model' },
            defaultConfiguration: { level: 'note' },
          },
        ],
      },
    },
    invocations: [{ executionSuccessful: true, toolExecutionNotifications: notifications }],
    columnKind: 'utf16CodeUnits',
    results: reviews.map(sarifResult),
  };
  return `${printableJson({ $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] })}\n`;
}

function sarifResult({ hunk, probability, comment, refinedCode }: HunkReview): object {
  const artifactLocation = sarifLocation(hunk.file);
  const region = { startLine: hunk.line, endLine: hunk.endLine };
  const deletedRegion = { startLine: hunk.codeStart, endLine: hunk.codeStart + hunk.codeLines - 1 };
  const isFix = refinedCode !== undefined && hunk.codeLines > 0;
  return {
    ruleId: 'review-comment',
    ruleIndex: 0,
    level: 'note',
    message: { text: comment },
    locations: [{ physicalLocation: { artifactLocation, region } }],
    ...(isFix && {
      fixes: [
        {
          description: { text: 'Code suggested by a language model' },
          artifactChanges: [{ artifactLocation, replacements: [{ deletedRegion, insertedContent: { text: refinedCode } }] }],
        },
      ],
    }),
    ...(probability !== undefined && { rank: 100 * probability, properties: { probability } }),
  };
}

/** Paths in a diff are relative to the root of the repository, except where plain `diff` was given absolute paths. */
function sarifLocation(file: string): object {
  const wellFormed = Buffer.from(file).toString(); // a truncated path may end in half a character
  const path = wellFormed.split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? { uri: `file://${path}` } : { uri: path, uriBaseId: '%SRCROOT%' };
}

/** On one line, because a line of its own could pass for one of the report. */
function printableName(file: string): string {
  return printable(file).replaceAll('\n', ' ');
}

function indented(text: string, margin: string): string[] {
  return printable(text)
    .split('\n')
    .map((line) => `${margin}${line}`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
