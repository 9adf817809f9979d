/** Splits a unified diff, as git or `diff -u` writes it, into hunks while it streams in. */

import { FormatError } from 'lowrank';
import { checkKnown, checkWhole } from 'lowrank/internal';
import type { ReviewExample } from '../reviewExample';
import { CombinedHunk } from './combinedHunk';
import type { DiffHunk } from './diffHunk';
import { commonName, headerPath, nameAfter } from './diffPath';
import { FileHeader } from './fileHeader';
import { expected, PAGE, TextSample } from './foreignText';
import { OpenHunk } from './openHunk';
import { PlainLines } from './plainLines';

const longestHeader = 2000; // characters

/** How to split a diff. */
export interface DiffOptions {
  /** Splits a longer hunk, such as a whole new file, into parts of this many lines. @defaultValue 40 */
  readonly maxLines?: number;
  /** Returns the reason to skip a file, or undefined to review it. @defaultValue skips no file */
  readonly exclude?: (file: string) => string | undefined;
  /** Called for each file without code to review, with the reason: binary, deleted or only renamed files, submodules, merges and so on. */
  readonly onSkip?: (file: string, reason: string) => void;
}

/**
 * The hunks of a diff, in order. Ignores surrounding text, such as mails and logs, and removes terminal colours. Empty text has no
 * hunks; any other text must contain a diff.
 *
 * @param lines - without line ends; a final `\r` stays in the code, unless the headers end in one too
 * @throws ArgumentError when `maxLines` is not a whole number from 1 up; FormatError when text contains no unified diff, a hunk has no
 * file, or its lines do not match the counts in its header.
 */
export async function* diffHunks(lines: AsyncIterable<string> | Iterable<string>, options: DiffOptions = {}): AsyncGenerator<DiffHunk> {
  checkKnown('diffHunks', options, ['maxLines', 'exclude', 'onSkip']);
  const { maxLines = 40, exclude, onSkip } = options;
  checkWhole('maxLines', maxLines);
  const sample = new TextSample();
  const plain = new PlainLines();
  const section = new Section(exclude, onSkip);
  let hunk: OpenHunk | CombinedHunk | undefined;
  let beyond: { of?: OpenHunk | CombinedHunk; first?: number; isBlank?: boolean } = {}; // lines behind a complete hunk, which may belong to it
  let before: string | undefined; // the preceding line, if it starts with `---`
  let isDiff = false;
  let namesFiles = false; // without their changes
  let isMail = false; // before the diff that a mail holds
  let number = 0;
  for await (const raw of lines) {
    number++;
    const line = plain.take(raw, number, { isCode: hunk?.isComplete === false });
    if (hunk && !hunk.isComplete) {
      if (!hunk.takes(line)) throw misfit(hunk, number);
      hunk.add(line);
      beyond = { of: hunk };
      if (hunk instanceof OpenHunk && hunk.length >= maxLines && !hunk.isComplete) {
        yield* section.reviewed(hunk);
        hunk = hunk.rest();
      } else if (hunk instanceof OpenHunk && hunk.isComplete) {
        if (!hunk.isChange) throw new FormatError(`line ${hunk.number}: this hunk changes nothing, as in a word diff; ${expected}`);
        yield* section.reviewed(hunk);
      }
      continue;
    }
    if (hunk && SIGNED.test(line)) {
      if (!beyond.isBlank && !/^(--|\+--)/.test(line)) throw misfit(hunk, number);
      if (beyond.first === undefined) section.note(`line ${number} of the diff, beyond the line counts of the hunk at line ${hunk.number}`);
      beyond.first ??= number;
      continue;
    }
    if (beyond.of && beyond.first !== undefined && line.startsWith('@@')) throw misfit(beyond.of, beyond.first); // as git: no text between hunks
    if (line.startsWith('\\') || (hunk && /^( |\r?$)/.test(line))) {
      beyond.isBlank ||= line.trim() === ''; // what follows may be text, such as the list of a message
      continue; // a line too many, or text: the signs that follow tell
    }
    const beginsMail = MAIL.test(line);
    if (beginsMail) {
      section.end();
      beyond = {};
    }
    isMail = beginsMail || (isMail && !section.isOpen);
    hunk = isMail ? undefined : (OpenHunk.from(line, number) ?? CombinedHunk.from(line, number));
    if (hunk) {
      if (!section.isOpen) throw new FormatError(`line ${number}: a hunk without a line \`+++ FILE\` before it; ${expected}`);
      if (line.endsWith('$') && section.header?.file.endsWith('$'))
        throw new FormatError(`line ${number}: the lines end in $, as \`cat -A\` writes them: pass the diff itself; ${expected}`);
      section.hasHunks = true;
      if (hunk instanceof CombinedHunk) section.skip();
    } else if (FileHeader.begins(line)) {
      if (/\r./.test(line)) throw new FormatError(`line ${number}: the lines end in a carriage return alone; ${expected}`);
      section.open(new FileHeader(line));
      beyond = {};
      isDiff = true;
      plain.note(line);
    } else if (line.startsWith('+++ ')) {
      section.addSides(before, line.slice(4, longestHeader));
      beyond = {};
      plain.note(line);
    } else if (section.isOpen) {
      beyond.first ??= number;
      if (line.startsWith('@@') && section.awaitsHunk) throw new FormatError(`line ${number}: this hunk has no line counts; ${expected}`);
      section.header?.add(line);
    }
    const isWholeFile = hunk === undefined && section.passOver(line); // each such line, not the first alone, names a file
    namesFiles ||= isWholeFile;
    isDiff ||= hunk !== undefined;
    before = line.startsWith('--- ') ? line.slice(4) : undefined;
    if (!isDiff && !isWholeFile) {
      sample.add(line);
      if (PAGE.test(line)) throw sample.error();
      if (/^Content-Transfer-Encoding: *(base64|quoted-printable)/i.test(line)) throw sample.error();
    }
  }
  if (hunk && !hunk.isComplete) {
    if (hunk instanceof OpenHunk) {
      hunk.cut();
      yield* section.reviewed(hunk);
    }
    section.note('the end of a hunk is missing from the diff');
  }
  section.end();
  if (!isDiff && (namesFiles ? sample.isForeign : !sample.isBlank)) throw sample.error();
}

/** A line with the sign of a change, which begins neither a file header nor a signature. */
const SIGNED = /^(?!--(-| |\r?$)|\+\+\+ )[+-]/;

/** Where the patch of a commit begins, as `git format-patch` writes it; its message may hold anything. */
const MAIL = /^From [\da-f]{40,64} /;

/** A hunk as an example without an answer, for prediction. */
export function hunkExample({ file, line, language, patch, code }: DiffHunk): ReviewExample {
  return { id: `${file}:${line}`, source: 'diff', language, patch, code };
}

function misfit({ number }: OpenHunk | CombinedHunk, line: number): FormatError {
  return new FormatError(`line ${line}: the hunk at line ${number} does not match the line counts in its header; ${expected}`);
}

/** The file of the current hunks. */
class Section {
  header: FileHeader | undefined;
  hasHunks = false;
  private isSkipped = false;
  /** The file of the last `Index:` line, as Subversion writes it. */
  private index = '';

  constructor(
    private readonly exclude: DiffOptions['exclude'],
    private readonly onSkip: DiffOptions['onSkip'],
  ) {}

  get isOpen(): boolean {
    return this.header !== undefined;
  }

  /** Whether a header with both sides is read, and nothing of its hunks yet. */
  get awaitsHunk(): boolean {
    return !this.hasHunks && this.header?.hasSides === true;
  }

  open(header: FileHeader): void {
    this.close();
    this.header = header;
    this.hasHunks = false;
    this.isSkipped = false;
  }

  addSides(before: string | undefined, after: string): void {
    if (!this.header?.awaitsSides || this.hasHunks) this.open(new FileHeader());
    this.header?.addSides(before, after);
  }

  /** The hunk, if the file is code to review. */
  *reviewed(hunk: OpenHunk): Generator<DiffHunk> {
    const { header } = this;
    if (!header) return;
    if (hunk.pointer !== undefined) return this.skip(hunk.pointer);
    const isReadable = !header.file.includes('\uFFFD');
    const reason = header.reason ?? (isReadable ? this.exclude?.(header.file) : 'its name is not valid UTF-8: rename it');
    if (reason !== undefined) return this.skip(reason);
    yield* hunk.finished(header.file);
  }

  /** Reports the file as skipped, once. */
  skip(reason = this.header?.reasonWithoutHunks): void {
    if (this.isSkipped || !this.header || reason === undefined) return;
    this.isSkipped = true;
    this.onSkip?.(this.header.file, reason);
  }

  /** Reports a further remark on the file. */
  note(text: string): void {
    if (this.header) this.onSkip?.(this.header.file, text);
  }

  close(): void {
    if (!this.hasHunks) this.skip();
  }

  /** What follows belongs to no file. */
  end(): void {
    this.close();
    this.header = undefined;
  }

  /** Handles lines that stand for a whole file. Returns whether the line was one. */
  passOver(line: string): boolean {
    const [, from, to] = /^Binary files (.+) and (.+) differ\r?$/.exec(line) ?? [];
    const [, folder, name] = /^Only in (.+?): (.+?)\r?$/.exec(line) ?? [];
    const [, , differing] = /^Files (.+?) and (.+) differ\r?$/.exec(line) ?? [];
    const [, changed] = /^Binary file (.+) has changed\r?$/.exec(line) ?? [];
    const [, submodule] = /^Submodule (.+?) (?:[\da-f]+\.{2,3}[\da-f]+|contains )/.exec(line) ?? [];
    this.index = /^Index: (.+?)\r?$/.exec(line)?.[1] ?? this.index;
    if (/^Cannot display: file marked as a binary type/.test(line)) this.onSkip?.(this.index, 'a binary file');
    else if (from !== undefined && to !== undefined && !this.header?.awaitsSides) {
      const sides = { before: headerPath(from), after: headerPath(to) };
      this.onSkip?.(commonName(sides) ?? nameAfter(sides) ?? from, 'a binary file');
    } else if (name !== undefined) this.onSkip?.(`${folder}/${name}`, 'only in one of the two folders; `diff -N` shows its lines');
    else if (changed !== undefined) this.onSkip?.(changed, 'a binary file');
    else if (submodule !== undefined) this.onSkip?.(submodule, 'a submodule');
    else if (differing !== undefined) this.onSkip?.(differing, 'only said to differ; `diff -u` without -q shows its lines');
    else return false;
    return true;
  }
}
