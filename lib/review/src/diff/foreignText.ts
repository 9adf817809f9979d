/** Text that is no unified diff: what it looks like, and what was expected. */
import { FormatError } from 'lowrank';

const forms: readonly (readonly [RegExp, string])[] = [
  [/\0|\uFFFD.*\uFFFD/s, 'binary data'],
  [/^Content-Transfer-Encoding: *(base64|quoted-printable)/im, 'an encoded mail, which `git mailinfo` decodes'],
  [/^\*{15}$/m, 'a context diff; `diff -u` writes a unified one'],
  [/^\d+(,\d+)?[acd]\d+(,\d+)?\r?$/m, 'what `diff` writes without -u'],
  [/^\d+(,\d+)?[acd]\r?$/m, 'an ed script; `diff -u` writes a unified diff'],
  [/^:\d{6} \d{6} /m, 'a raw diff; `git diff -p` writes its hunks'],
  [/^ \S.* \| +(\d+|Bin)\b|^\d+\t\d+\t|^ \d+ files? changed/m, 'a summary; `git diff -p` writes the hunks'],
  [/^\s*<(!doctype|html|\?xml)/i, 'a page of HTML or XML'],
  [/^[[{]/, 'JSON'],
  [/^(\| ?)+(diff --git|@@) /m, 'a graph; leave --graph out'],
  [/^commit [\da-f]{40}/m, 'a log without a diff; `git log -p -m --first-parent` writes them, those of merges too'],
];

/** Keeps the beginning of a text, to tell what it is where it is no diff. */
export class TextSample {
  private text = '';

  add(line: string): void {
    if (this.text.length < 4000) this.text += `${line.slice(0, 400)}\n`;
  }

  get isBlank(): boolean {
    return this.text.trim() === '';
  }

  /** Says what was found in place of a diff, and what was expected. */
  error(): FormatError {
    const form = forms.find(([pattern]) => pattern.test(this.text))?.[1];
    return new FormatError(`there is no diff in this input${form ? `; it looks like ${form}` : ''}: ${expected}`);
  }
}

/** What a diff is here, for messages. */
export const expected = 'expected a unified diff, as `git diff` or `diff -u` writes it, with a line `+++ FILE` and hunks `@@ -1,3 +1,4 @@`';
