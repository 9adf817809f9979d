/** Makes review examples of one file: ESLint's messages are the comments, and its fixes the refined code. */
import type { Linter } from 'eslint';
import { deriveSeed, seededRandom } from 'lowrank/internal';
import type { ReviewExample } from '../reviewExample';
import { addedHunk, type Hunk, isWithin, type LineRange } from './addedHunk';
import { lintRules } from './lintRules';
import { type SourceFile, textHash } from './packageSources';

export interface HunkOptions {
  readonly seed: number;
  readonly contextLines: number;
  /** Maximum patch length in characters. */
  readonly maxCharacters: number;
}

/** The examples found in one file. */
interface LintedFile {
  readonly findings: readonly ReviewExample[];
  readonly clean: readonly ReviewExample[];
}

const maxFindingLines = 6;
const maxCleanPerFile = 30;

/** A finding of ESLint, with lines counted from 0 and offsets into the text. */
interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly lines: LineRange;
  readonly fix?: { readonly range: readonly [number, number]; readonly text: string };
}

/**
 * The review examples in one file: one hunk per finding that is alone in its added lines, and hunks without a finding. A file with a
 * syntax error has none.
 */
export function lintFile(linter: Linter, file: SourceFile, options: HunkOptions): LintedFile {
  const lines = file.text.split('\n');
  const findings = findingsIn(linter, file.text, lines.length);
  if (findings === undefined) return { findings: [], clean: [] };
  const random = seededRandom(deriveSeed(options.seed, textHash(file.text))); // copies of a file yield the same hunks
  const reviewed = findings.flatMap((finding) => findingExample(file, lines, finding, findings, random, options) ?? []);
  return { findings: reviewed, clean: cleanExamples(file, lines, findings, random, options) };
}

function findingsIn(linter: Linter, text: string, lineCount: number): Finding[] | undefined {
  const looksLikeModule = /^\s*(import|export)\b/m.test(text);
  for (const sourceType of looksLikeModule ? (['module', 'commonjs'] as const) : (['commonjs', 'module'] as const)) {
    const messages = linter.verify(text, {
      languageOptions: { ecmaVersion: 'latest', sourceType },
      linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'off' },
      rules: lintRules,
    });
    if (!messages.some((message) => message.fatal)) return messages.flatMap((message) => toFinding(message, lineCount) ?? []);
  }
  return undefined;
}

function toFinding(message: Linter.LintMessage, lineCount: number): Finding | undefined {
  if (message.ruleId === null) return undefined; // ESLint's remark on its own comments
  const first = message.line - 1;
  const end = Math.min((message.endLine ?? message.line) - 1, lineCount - 1);
  const last = end - first < maxFindingLines ? end : first; // a finding on a whole function applies to its first line
  return { rule: message.ruleId, message: message.message.trim(), lines: { first, last }, fix: message.fix };
}

function findingExample(
  file: SourceFile,
  lines: readonly string[],
  finding: Finding,
  findings: readonly Finding[],
  random: () => number,
  options: HunkOptions,
): ReviewExample | undefined {
  const fixed = finding.fix && linesOfFix(file.text, finding.fix.range);
  const whole = fixed ? union(finding.lines, fixed) : finding.lines;
  const added = size(whole) <= maxFindingLines ? whole : finding.lines;
  const isSaid = (line: number) => findings.some((other) => other !== finding && isWithin(line, other.lines));
  const wider = widened(added, lines.length, isSaid, random);
  for (let line = wider.first; line <= wider.last; line++) if (isSaid(line)) return undefined; // the comment can only be about one finding
  const hunk = addedHunk(lines, wider, options.contextLines);
  if (!isFit(hunk, options) || finding.message.includes('\n')) return undefined;
  const refinedCode = finding.fix && fixed && fixedCode(lines, hunk, finding.fix, fixed);
  return {
    ...example(file, hunk, wider, finding.rule),
    needsReview: true,
    comment: finding.message,
    ...(refinedCode === undefined ? {} : { refinedCode }),
  };
}

/** Widens the added lines by one on each side, each with probability ½, so that the finding can be anywhere among them. */
function widened(added: LineRange, lineCount: number, isSaid: (line: number) => boolean, random: () => number): LineRange {
  const before = random() < 0.5 && added.first > 0 && !isSaid(added.first - 1) ? 1 : 0;
  const after = random() < 0.5 && added.last < lineCount - 1 && !isSaid(added.last + 1) ? 1 : 0;
  return { first: added.first - before, last: added.last + after };
}

function cleanExamples(
  file: SourceFile,
  lines: readonly string[],
  findings: readonly Finding[],
  random: () => number,
  options: HunkOptions,
): ReviewExample[] {
  const said = new Set<number>();
  for (const { lines: range } of findings) for (let line = range.first; line <= range.last; line++) said.add(line);
  const examples: ReviewExample[] = [];
  const isTaken = new Set<number>();
  for (let attempt = 0; attempt < 4 * maxCleanPerFile && examples.length < maxCleanPerFile; attempt++) {
    const first = Math.floor(random() * lines.length);
    const added = { first, last: Math.min(lines.length - 1, first + Math.floor(random() * 3)) };
    const hunk = addedHunk(lines, added, options.contextLines);
    const inHunk = Array.from({ length: size(hunk.lines) }, (_, i) => hunk.lines.first + i);
    const isCode = lines.slice(added.first, added.last + 1).some((line) => /[\w)]/.test(line) && !/^\s*(\/?\*|\/\/)/.test(line));
    if (!isCode || !isFit(hunk, options) || inHunk.some((line) => said.has(line) || isTaken.has(line))) continue;
    for (const line of inHunk) isTaken.add(line);
    examples.push({ ...example(file, hunk, added), needsReview: false });
  }
  return examples;
}

/** Whether the patch is short enough and has no ESLint comment, which would reveal the answer. */
function isFit({ patch }: Hunk, { maxCharacters }: HunkOptions): boolean {
  return patch.length <= maxCharacters && !/eslint|jshint|jscs/i.test(patch);
}

function example(file: SourceFile, hunk: Hunk, added: LineRange, rule?: string): ReviewExample {
  const { name, version } = file.package;
  const line = added.first + 1;
  return {
    id: `${name}@${version}/${file.path}:${line}:${rule ?? 'clean'}`,
    source: 'lint',
    language: 'javascript',
    patch: hunk.patch,
    code: hunk.code,
    origin: { package: name, version, file: file.path, line, ...(rule === undefined ? {} : { rule }) },
  };
}

/** The hunk's code after the fix, if the fix lies entirely inside the hunk. */
function fixedCode(lines: readonly string[], hunk: Hunk, fix: NonNullable<Finding['fix']>, fixed: LineRange): string | undefined {
  if (!isWithin(fixed.first, hunk.lines) || !isWithin(fixed.last, hunk.lines)) return undefined;
  const start = lines.slice(0, hunk.lines.first).reduce((sum, line) => sum + line.length + 1, 0);
  const [from, to] = [fix.range[0] - start, fix.range[1] - start];
  const refined = hunk.code.slice(0, from) + fix.text + hunk.code.slice(to);
  return refined.trim() === hunk.code.trim() ? undefined : refined;
}

function linesOfFix(text: string, [from, to]: readonly [number, number]): LineRange {
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length - 1;
  return { first: lineAt(from), last: lineAt(to) };
}

function union(a: LineRange, b: LineRange): LineRange {
  return { first: Math.min(a.first, b.first), last: Math.max(a.last, b.last) };
}

function size({ first, last }: LineRange): number {
  return last - first + 1;
}
