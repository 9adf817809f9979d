import { stripVTControlCharacters } from 'node:util';
import { FormatError } from 'lowrank';

const ESC = '\u001b';
const COLOUR = `${ESC}\\[[\\d;]*m`;
const COLOURS = new RegExp(COLOUR, 'g');
const RESET = `${ESC}\\[[0;]*m`;

/** A line of a hunk in one colour, or plain: git then still resets a line of context. */
const WHOLE = new RegExp(`^(?:${COLOUR}[ +\\\\-][^${ESC}]*(?:${RESET})?|[ +\\\\-]?[^${ESC}]*(?:${ESC}\\[m)?)\\r?$`);
/** A sign and pieces of text in its colour, between blanks that are plain or, where git finds fault with them, in another colour. */
const PIECES = new RegExp(
  `^((?:${COLOUR})?)[ +-](${RESET})(?:\\s+(?=${ESC}|$)|\\1\\s*[^${ESC}\\s][^${ESC}]*(?:\\2|$)|${COLOUR}\\s+(?:\\2|$))*$`,
);

/** Removes everything added around a diff: a byte order mark, terminal colours, Windows line ends of the whole text. */
export class PlainLines {
  private isColoured = false;
  private hasReturns = false;

  /** @throws FormatError when a line of code has other escapes than the colours of a diff: nothing tells the two apart. */
  take(raw: string, number: number, { isCode }: { readonly isCode: boolean }): string {
    let line = number === 1 ? raw.replace(/^\uFEFF/, '') : raw;
    this.isColoured ||= line.startsWith(`${ESC}[`); // no line of a plain diff starts like this
    if (this.isColoured && line.includes(ESC)) {
      if (isCode && !WHOLE.test(line) && !PIECES.test(line))
        throw new FormatError(
          `line ${number}: terminal escapes where a coloured diff has none; pass it without colours, as \`git diff --no-color\` writes it`,
        );
      line = isCode ? line.replace(COLOURS, '') : stripVTControlCharacters(line);
    }
    return this.hasReturns ? line.replace(/\r$/, '') : line;
  }

  /** A header that ends in `\r` shows that the whole diff was converted, including its code. */
  note(header: string): void {
    this.hasReturns ||= header.endsWith('\r');
  }
}
