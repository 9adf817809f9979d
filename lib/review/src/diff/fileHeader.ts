/** What the header of a diff tells of one file. */
import { commonName, gitLineSides, headerPath, nameAfter, type Sides, unquoted } from './diffPath';

/** The header of one file, line by line, and what is known of the file by then. */
export class FileHeader {
  private readonly gitSides: Sides | undefined;
  private readonly isCombined: boolean;
  private readonly combinedName: string = '';
  private sides: Sides | undefined;
  private renamedTo: string | undefined;
  private change = ''; // what happened besides the text
  private mode = '';
  private isBinary = false;
  private isDeleted = false;

  /** @param line - `diff --git …`, `diff --cc …`, or nothing for a file that begins with `---` or `+++` */
  constructor(private readonly line = '') {
    const [, combined] = /^diff --(?:cc|combined) (.*?)\r?$/.exec(line) ?? [];
    this.isCombined = combined !== undefined;
    if (combined !== undefined) this.combinedName = unquoted(combined);
    else if (line !== '') this.gitSides = gitLineSides(line);
  }

  /** Whether a line begins the header of a file, as git writes it. */
  static begins(line: string): boolean {
    return /^diff --(git|cc|combined) /.test(line);
  }

  /** Reads a line after the first, if it belongs to a header. */
  add(line: string): void {
    const [, kind = '', rest = ''] =
      /^(index|old mode|new mode|new file mode|deleted file mode|rename to|copy to|Binary files|GIT binary patch)(?: (.*?))?\r?$/.exec(
        line,
      ) ?? [];
    if (kind === 'index') this.mode = / (\d{6})$/.exec(rest)?.[1] ?? this.mode;
    else if (kind.endsWith('mode')) {
      this.mode = rest;
      this.change ||= { 'new file mode': 'an empty file', 'deleted file mode': '' }[kind] ?? 'only its mode has changed';
      if (kind === 'deleted file mode') this.isDeleted = true;
    } else if (kind.endsWith(' to')) {
      this.renamedTo = unquoted(rest);
      this.change = kind === 'rename to' ? 'only renamed' : 'only copied';
    } else if (kind !== '') this.isBinary = true;
  }

  /** The paths of the lines `---` and `+++`, without those signs. */
  addSides(before: string | undefined, after: string): void {
    this.sides = { before: before === undefined ? undefined : headerPath(before), after: headerPath(after) };
    if (this.sides.after === undefined) this.isDeleted = true;
  }

  /** Whether this is a header of git's whose lines `---` and `+++` may still come. */
  get awaitsSides(): boolean {
    return this.line !== '' && this.sides === undefined;
  }

  /** The file's path after the change, or before it where it is deleted. */
  get file(): string {
    if (this.isCombined) return this.combinedName;
    if (this.renamedTo !== undefined) return this.renamedTo;
    const { sides, gitSides } = this;
    const both = sides?.before !== undefined && sides.after !== undefined ? sides : gitSides;
    const name = gitSides && both && commonName(both);
    return name ?? nameAfter(sides ?? gitSides ?? { before: undefined, after: '' }) ?? '';
  }

  /** Why the file's hunks are not reviewed; undefined where they are code. */
  get reason(): string | undefined {
    if (this.isCombined) return 'a merge of several parents';
    if (this.mode === '160000') return 'a submodule';
    if (this.mode === '120000') return 'a symbolic link';
    if (this.isBinary) return 'a binary file';
    return this.isDeleted ? 'a deleted file' : undefined;
  }

  /** Why a file without hunks has none. */
  get reasonWithoutHunks(): string | undefined {
    return this.reason ?? (this.change === '' ? undefined : this.change);
  }
}
