/** Recognizes text that is not a unified diff, for the error message. */
import { FormatError } from 'lowrank';

/** The first line of a page. Within one, a diff has its `<` and `&` as entities. */
export const PAGE = /^\s*<(!doctype|html|\?xml)/i;

const forms: readonly (readonly [RegExp, string])[] = [
  [/\0|\uFFFD.*\uFFFD/s, 'binary data'],
  [/^Content-Transfer-Encoding: *(base64|quoted-printable)/im, 'an encoded mail (`git mailinfo` decodes it)'],
  [/^\*{15}$/m, 'a context diff (`diff -u` writes a unified one)'],
  [/^\d+(,\d+)?[acd]\d+(,\d+)?\r?$/m, 'the output of `diff` without -u'],
  [/^\d+(,\d+)?[acd]\r?$/m, 'an ed script (`diff -u` writes a unified diff)'],
  [/^diff -\S.* \S+$/m, 'the output of `diff` in another form than -u'],
  [/^:\d{6} \d{6} /m, 'a raw diff (`git diff -p` writes its hunks)'],
  [/^ \S.* \| +(\d+|Bin)\b|^\d+\t\d+\t|^ \d+ files? changed/m, 'a summary (`git diff -p` writes the hunks)'],
  [PAGE, 'an HTML or XML page'],
  [/^[[{]/, 'JSON'],
  [/^(\| ?)+(diff --git|@@) /m, 'a graph (leave out --graph)'],
  [/^commit [\da-f]{40}/m, 'a log without diffs (`git log -p -m --first-parent` writes them, including those of merges)'],
];

const mostLines = 1_000_000;

/** Keeps the beginning of a text to recognize its format if it contains no diff. */
export class TextSample {
  private text = '';
  private lines = 0;

  /** @throws FormatError when the text is so long without a diff that it is not going to contain one. */
  add(line: string): void {
    if (++this.lines > mostLines) throw this.error();
    if (this.text.length < 4000) this.text += `${line.slice(0, 400)}\n`;
  }

  get isBlank(): boolean {
    return this.text.trim() === '';
  }

  /** Whether the text has a known format, which is not a diff. */
  get isForeign(): boolean {
    return this.form !== undefined;
  }

  private get form(): string | undefined {
    return forms.find(([pattern]) => pattern.test(this.text))?.[1];
  }

  /** The error that names the recognized and the expected format. */
  error(): FormatError {
    const { form } = this;
    return new FormatError(`this input contains no diff${form ? `; it looks like ${form}` : ''}: ${expected}`);
  }
}

/** The expected format, for messages. */
export const expected = 'expected a unified diff, as `git diff` or `diff -u` writes it, with a line `+++ FILE` and hunks `@@ -1,3 +1,4 @@`';
