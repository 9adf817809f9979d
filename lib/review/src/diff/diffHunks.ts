/** A unified diff, as git or `diff -u` writes it, taken apart while it comes in. */

import { stripVTControlCharacters } from 'node:util';
import { FormatError } from 'lowrank';
import { checkKnown } from 'lowrank/internal';
import type { ReviewExample } from '../reviewExample';
import { commonName, headerPath, nameAfter } from './diffPath';
import { FileHeader } from './fileHeader';
import { expected, TextSample } from './foreignText';
import { CombinedHunk, OpenHunk } from './openHunk';

const longestHeader = 2000; // characters

/** A change to be reviewed: a hunk, or a part of a long one. */
export interface DiffHunk {
  /** Path of the file after the change, with `/`. */
  readonly file: string;
  /** Programming language by the file's name; empty where that does not tell. */
  readonly language: string;
  /** The hunk from its `@@` line on. */
  readonly patch: string;
  /** The lines as they are after the change. */
  readonly code: string;
  /** Which lines of the file these are, counted from 1; where `codeLines` is 0, the line after which there are none. */
  readonly codeStart: number;
  readonly codeLines: number;
  /** The first and the last line that was added; where nothing was, a line beside what was removed. */
  readonly line: number;
  readonly endLine: number;
  /** Whether `code` is not the file's text: a line was too long, or had bytes that are not UTF-8. Such code must not be put back. */
  readonly isCut?: boolean;
}

/** How a diff is cut up. */
export interface DiffOptions {
  /** A longer hunk, for example a whole new file, is cut into parts of so many lines. @defaultValue 40 */
  readonly maxLines?: number;
  /** Why a file is to be left out; undefined for one that is reviewed. @defaultValue none is left out */
  readonly exclude?: (file: string) => string | undefined;
  /** Is told of each file that has no code to review, and why: binary, deleted or only renamed files, submodules, merges and so on. */
  readonly onSkip?: (file: string, reason: string) => void;
}

/**
 * The hunks of a diff, in order. Text around it, as in mails and logs, is passed over; colours are taken off. Only an empty text has no
 * diff in it.
 *
 * @param lines - without line ends; a `\r` at the end of one stays in the code, unless the headers end so too
 * @throws FormatError when there is text but no unified diff, a hunk has no file, or its lines are not those that its header announces.
 */
export async function* diffHunks(lines: AsyncIterable<string> | Iterable<string>, options: DiffOptions = {}): AsyncGenerator<DiffHunk> {
  checkKnown('diffHunks', options, ['maxLines', 'exclude', 'onSkip']);
  const { maxLines = 40, exclude, onSkip } = options;
  const sample = new TextSample();
  const plain = new PlainLines();
  const section = new Section(exclude, onSkip);
  let hunk: OpenHunk | CombinedHunk | undefined;
  let before: string | undefined; // a line `---` that has just passed
  let isDiff = false;
  let number = 0;
  for await (const raw of lines) {
    number++;
    const line = plain.take(raw, number);
    if (hunk && !hunk.isComplete) {
      if (!hunk.takes(line)) throw misfit(hunk, number);
      hunk.add(line);
      if (hunk instanceof OpenHunk && hunk.length >= maxLines && !hunk.isComplete) {
        yield* section.reviewed(hunk);
        hunk = hunk.rest();
      } else if (hunk instanceof OpenHunk && hunk.isComplete) {
        if (!hunk.isChange) throw new FormatError(`line ${hunk.number}: this hunk changes nothing, as in a word diff; ${expected}`);
        yield* section.reviewed(hunk);
      }
      continue;
    }
    const isMore = hunk !== undefined && /^([+-](?!-)|\+\+(?!\+ ))/.test(line) && !line.startsWith('+++ ');
    if (hunk && isMore) throw misfit(hunk, number);
    if (line.startsWith('\\')) continue;
    hunk = OpenHunk.from(line, number) ?? CombinedHunk.from(line, number);
    if (hunk) {
      if (!section.isOpen) throw new FormatError(`line ${number}: a hunk before any line \`+++ FILE\` that says whose it is; ${expected}`);
      section.hasHunks = true;
      if (hunk instanceof CombinedHunk) section.skip();
    } else if (FileHeader.begins(line)) {
      section.open(new FileHeader(line));
      isDiff = true;
      plain.note(line);
    } else if (line.startsWith('+++ ')) {
      section.addSides(before, line.slice(4, longestHeader));
      plain.note(line);
    } else if (section.isOpen) section.header?.add(line);
    isDiff ||= hunk !== undefined || section.passOver(line);
    before = line.startsWith('--- ') ? line.slice(4) : undefined;
    if (!isDiff) {
      sample.add(line);
      if (/^Content-Transfer-Encoding: *(base64|quoted-printable)/i.test(line)) throw sample.error();
    }
  }
  if (hunk && !hunk.isComplete) {
    if (hunk instanceof OpenHunk) yield* section.reviewed(hunk);
    section.note('the diff ends in the middle of a hunk; what is missing is');
  }
  section.close();
  if (!isDiff && !sample.isBlank) throw sample.error();
}

/** A hunk as an example without an answer, to be asked about. */
export function hunkExample({ file, line, language, patch, code }: DiffHunk): ReviewExample {
  return { id: `${file}:${line}`, source: 'diff', language, patch, code };
}

function misfit({ number }: OpenHunk | CombinedHunk, line: number): FormatError {
  return new FormatError(`line ${line}: the hunk at line ${number} does not have the lines that its header announces; ${expected}`);
}

/** Takes off what was put around a diff: a byte order mark, the colours of a terminal, Windows line ends of the whole. */
class PlainLines {
  private isColoured = false;
  private hasReturns = false;

  take(raw: string, number: number): string {
    let line = number === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    this.isColoured ||= line.startsWith('\u001b['); // no line of a diff without colours begins so
    if (this.isColoured) line = stripVTControlCharacters(line);
    return this.hasReturns ? line.replace(/\r$/, '') : line;
  }

  /** A header that ends in `\r` was converted, and the code with it. */
  note(header: string): void {
    this.hasReturns ||= header.endsWith('\r');
  }
}

/** The file that the hunks belong to. */
class Section {
  header: FileHeader | undefined;
  hasHunks = false;
  private isSkipped = false;

  constructor(
    private readonly exclude: DiffOptions['exclude'],
    private readonly onSkip: DiffOptions['onSkip'],
  ) {}

  get isOpen(): boolean {
    return this.header !== undefined;
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

  /** The hunk, if the file is code that is to be reviewed. */
  *reviewed(hunk: OpenHunk): Generator<DiffHunk> {
    const { header } = this;
    if (!header) return;
    if (hunk.isPointer) return this.skip('a submodule');
    const reason = header.reason ?? this.exclude?.(header.file);
    if (reason !== undefined) return this.skip(reason);
    yield* hunk.finished(header.file);
  }

  /** Names the file as left out, once. */
  skip(reason = this.header?.reasonWithoutHunks): void {
    if (this.isSkipped || !this.header || reason === undefined) return;
    this.isSkipped = true;
    this.onSkip?.(this.header.file, reason);
  }

  /** Something else to say of the file. */
  note(text: string): void {
    if (this.header) this.onSkip?.(this.header.file, text);
  }

  close(): void {
    if (!this.hasHunks) this.skip();
  }

  /** Lines that stand for a whole file; whether this is one. */
  passOver(line: string): boolean {
    const [, from, to] = /^Binary files (.+) and (.+) differ\r?$/.exec(line) ?? [];
    const [, folder, name] = /^Only in (.+?): (.+?)\r?$/.exec(line) ?? [];
    const [, submodule] = /^Submodule (.+?) (?:[\da-f]+\.{2,3}[\da-f]+|contains )/.exec(line) ?? [];
    if (from !== undefined && to !== undefined && !this.header?.awaitsSides) {
      const sides = { before: headerPath(from), after: headerPath(to) };
      this.onSkip?.(commonName(sides) ?? nameAfter(sides) ?? from, 'a binary file');
    } else if (name !== undefined) this.onSkip?.(`${folder}/${name}`, 'in one of the two folders only; `diff -N` shows its lines');
    else if (submodule !== undefined) this.onSkip?.(submodule, 'a submodule');
    else return false;
    return true;
  }
}
