/** Reads the header of one file in a diff. */
import { commonName, gitLineSides, headerPath, nameAfter, type Sides, unquoted } from './diffPath';

/** Collects the facts in a file header, line by line. */
export class FileHeader {
  private readonly gitSides: Sides | undefined;
  private readonly isCombined: boolean;
  private readonly combinedName: string = '';
  private sides: Sides | undefined;
  private renamedTo: string | undefined;
  private change = ''; // the change besides the text
  private mode = '';
  /** Whether its `---` and `+++` lines have been read. */
  hasSides = false;
  private isBinary = false;
  private isDeleted = false;

  /** @param line - `diff --git …`, `diff --cc …`, or empty for a file that begins with `---` or `+++` */
  constructor(private readonly line = '') {
    const [, combined] = /^diff --(?:cc|combined) (.*?)\r?$/.exec(line) ?? [];
    this.isCombined = combined !== undefined;
    if (combined !== undefined) this.combinedName = unquoted(combined);
    else if (line !== '') this.gitSides = gitLineSides(line);
  }

  /** Whether a line starts a git file header. */
  static begins(line: string): boolean {
    return /^diff --(git|cc|combined) /.test(line);
  }

  /** Reads a later line, if it belongs to a header. */
  add(line: string): void {
    const [, kind = '', rest = ''] =
      /^(index|old mode|new mode|new file mode|deleted file mode|rename to|copy to|Binary files|GIT binary patch)(?: (.*?))?\r?$/.exec(
        line,
      ) ?? [];
    if (kind === 'index') this.mode = / (\d{6})$/.exec(rest)?.[1] ?? this.mode;
    else if (kind.endsWith('mode')) {
      this.mode = rest;
      this.change ||= { 'new file mode': 'an empty file', 'deleted file mode': '' }[kind] ?? 'only its mode changed';
      if (kind === 'deleted file mode') this.isDeleted = true;
    } else if (kind.endsWith(' to')) {
      this.renamedTo = unquoted(rest);
      this.change = kind === 'rename to' ? 'only renamed' : 'only copied';
    } else if (kind !== '') this.isBinary = true;
  }

  /** Sets the paths of the `---` and `+++` lines, passed without those signs. */
  addSides(before: string | undefined, after: string): void {
    this.sides = { before: before === undefined ? undefined : headerPath(before), after: headerPath(after) };
    this.hasSides = before !== undefined;
    if (this.sides.after === undefined) this.isDeleted = true;
  }

  /** Whether this is a git header whose `---` and `+++` lines may still follow. */
  get awaitsSides(): boolean {
    return this.line !== '' && this.sides === undefined;
  }

  /** The path after the change, or before it if the file is deleted. */
  get file(): string {
    if (this.isCombined) return this.combinedName;
    if (this.renamedTo !== undefined) return this.renamedTo;
    const { sides, gitSides } = this;
    const both = sides?.before !== undefined && sides.after !== undefined ? sides : gitSides;
    const name = gitSides && both && commonName(both);
    return name ?? nameAfter(sides ?? gitSides ?? { before: undefined, after: '' }) ?? '';
  }

  /** Why the hunks are not reviewed; undefined when they are code. */
  get reason(): string | undefined {
    if (this.isCombined) return 'a merge of several parents';
    if (this.mode === '160000') return 'a submodule';
    if (this.mode === '120000') return 'a symbolic link';
    if (this.isBinary) return 'a binary file';
    return this.isDeleted ? 'a deleted file' : undefined;
  }

  /** Why the file has no hunks; undefined when its whole header is one `+++` line, which other texts contain too. */
  get reasonWithoutHunks(): string | undefined {
    if (this.reason !== undefined) return this.reason;
    if (this.change !== '') return this.change;
    return this.line === '' && !this.hasSides ? undefined : 'a header without hunks';
  }
}
