import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { ArgumentError, FormatError } from 'lowrank';
import { type DiffHunk, type DiffOptions, diffHunks, diffTextLines } from 'lowrank-review';
import { describe, expect, test } from 'vitest';

async function hunksOf(diff: string | Buffer, options: DiffOptions = {}): Promise<DiffHunk[]> {
  const hunks: DiffHunk[] = [];
  for await (const hunk of diffHunks(diffTextLines(Readable.from([Buffer.from(diff)], { objectMode: false })), options)) hunks.push(hunk);
  return hunks;
}

const simple = `diff --git a/src/a.js b/src/a.js
index 1..2 100644
--- a/src/a.js
+++ b/src/a.js
@@ -3,4 +3,5 @@ function around() {
 one
-two
+zwei
+drei
 four
 five
@@ -20,2 +21,1 @@
-gone
 kept
`;

test('a hunk has its patch, its code, and the lines of the new file', async () => {
  expect(await hunksOf(simple)).toEqual([
    {
      file: 'src/a.js',
      language: 'javascript',
      patch: '@@ -3,4 +3,5 @@\n one\n-two\n+zwei\n+drei\n four\n five',
      code: 'one\nzwei\ndrei\nfour\nfive',
      codeStart: 3,
      codeLines: 5,
      line: 4,
      endLine: 5,
    },
    {
      file: 'src/a.js',
      language: 'javascript',
      patch: '@@ -20,2 +21,1 @@\n-gone\n kept',
      code: 'kept',
      codeStart: 21,
      codeLines: 1,
      line: 21,
      endLine: 21,
    },
  ]);
});

test('code that looks like headers is code, for the counts say how long a hunk is', async () => {
  const diff = `--- a/x.md
+++ b/x.md
@@ -1,2 +1,3 @@
 diff --git a/q b/q
--- a/old
+++ b/new
+@@ -1,1 +1,1 @@
`;
  const [hunk, ...others] = await hunksOf(diff);
  expect(others).toEqual([]);
  expect(hunk?.code).toBe('diff --git a/q b/q\n++ b/new\n@@ -1,1 +1,1 @@');
  expect(hunk?.line).toBe(2);
});

describe('files', () => {
  test('new ones have hunks, deleted, renamed, binary and mode-only ones have none, and are named', async () => {
    const diff = `diff --git a/new.py b/new.py
new file mode 100644
--- /dev/null
+++ b/new.py
@@ -0,0 +1 @@
+print(1)
diff --git a/old.py b/old.py
deleted file mode 100644
--- a/old.py
+++ /dev/null
@@ -1 +0,0 @@
-print(1)
diff --git a/from.go b/to.go
similarity index 100%
rename from from.go
rename to to.go
diff --git a/moved.go b/here.go
similarity index 90%
rename from moved.go
rename to here.go
--- a/moved.go
+++ b/here.go
@@ -1 +1 @@
-a
+b
diff --git a/pic.png b/pic.png
Binary files a/pic.png and b/pic.png differ
diff --git a/data.bin b/data.bin
GIT binary patch
literal 10
zcmZQzU|?imU|?imU|

diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
`;
    const skipped: string[] = [];
    const hunks = await hunksOf(diff, { onSkip: (file, reason) => skipped.push(`${file}: ${reason}`) });
    expect(hunks.map(({ file, line, patch }) => [file, line, patch])).toEqual([
      ['new.py', 1, '@@ -0,0 +1,1 @@\n+print(1)'],
      ['here.go', 1, '@@ -1,1 +1,1 @@\n-a\n+b'],
    ]);
    expect(skipped).toEqual([
      'old.py: a deleted file',
      'to.go: only renamed',
      'pic.png: a binary file',
      'data.bin: a binary file',
      'run.sh: only its mode changed',
    ]);
  });

  test('names may be quoted, escaped, hold blanks, or come from plain diff with a date', async () => {
    const body = '@@ -1 +1 @@\n-a\n+b\n';
    const names = ['+++ "b/\\303\\244 \\"q\\".ts"', '+++ b/with blank.rb', '+++ new/x.c\t2026-01-01 00:00:00', '+++ b/crlf.java\r'];
    const hunks = await hunksOf(names.map((name) => `--- a/z\n${name}\n${body}`).join(''));
    expect(hunks.map(({ file, language }) => [file, language])).toEqual([
      ['ä "q".ts', 'typescript'],
      ['with blank.rb', 'ruby'],
      ['new/x.c', 'c'],
      ['crlf.java', 'java'],
    ]);
  });

  test('a merge of several parents is named and left out', async () => {
    const skipped: string[] = [];
    const diff = 'diff --cc a.js\nindex 1,2..3\n--- a/a.js\n+++ b/a.js\n@@@ -1,1 -1,1 +1,2 @@@\n  a\n++b\n';
    expect(await hunksOf(diff, { onSkip: (file) => skipped.push(file) })).toEqual([]);
    expect(skipped).toEqual(['a.js']);
  });
});

test.each([0, 2.5, Number.NaN])('parts of %s lines are refused', async (maxLines) => {
  await expect(hunksOf(simple, { maxLines })).rejects.toThrow(new ArgumentError(`maxLines ${maxLines} is not a whole number from 1 up`));
});

test('a long hunk is cut into parts whose headers fit and which hold every line once', async () => {
  const lines = Array.from({ length: 100 }, (_, i) => (i % 7 === 0 ? ` same ${i}` : i % 5 === 0 ? `-old ${i}` : `+new ${i}`));
  const [oldCount, newCount] = ['-', '+'].map((sign) => lines.filter((line) => line[0] === sign || line[0] === ' ').length);
  const hunks = await hunksOf(`--- a/a.ts\n+++ b/a.ts\n@@ -10,${oldCount} +20,${newCount} @@\n${lines.join('\n')}\n`, { maxLines: 40 });
  expect(hunks.map(({ patch }) => patch.split('\n').length - 1)).toEqual([40, 40, 20]);
  expect(hunks.flatMap(({ patch }) => patch.split('\n').slice(1))).toEqual(lines);
  let [oldLine, newLine] = [10, 20];
  for (const { patch, codeStart, codeLines } of hunks) {
    const [header = '', ...own] = patch.split('\n');
    const [, oldStart, oldLength, newStart, newLength] = (/^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(header) ?? []).map(Number);
    expect([oldStart, newStart]).toEqual([oldLine, newLine]);
    expect(oldLength).toBe(own.filter((line) => !line.startsWith('+')).length);
    expect(newLength).toBe(own.filter((line) => !line.startsWith('-')).length);
    expect([codeStart, codeLines]).toEqual([newStart, newLength]);
    oldLine += oldLength ?? 0;
    newLine += newLength ?? 0;
  }
});

describe('odd diffs', () => {
  test.each([
    ['a context diff', '*** a.c\n--- b.c\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n'],
    ['the output of `diff` without -u', '1c1\n< a\n---\n> b\n'],
    ['the output of `diff` in another form than -u', 'diff -rn old/x.c new/x.c\nd3 1\na3 1\nthree\n'],
    ['the output of `diff` in another form than -u', 'diff -ry old/x.c new/x.c\na\t\t| b\n'],
  ])('%s is refused although its neighbours name files', async (form, changes) => {
    const named = 'Only in new: y.c\nBinary files old/z.bin and new/z.bin differ\n';
    await expect(hunksOf(named + changes)).rejects.toThrow(`it looks like ${form}`);
    await expect(hunksOf(changes + named)).rejects.toThrow(`it looks like ${form}`);
    expect(await hunksOf(named)).toEqual([]);
  });

  test('files that `diff -q` only says to differ are named', async () => {
    const skipped: string[] = [];
    await hunksOf('Files old/x.c and new/x.c differ\nOnly in new: y.c\n', { onSkip: (file, reason) => skipped.push(`${file}: ${reason}`) });
    expect(skipped[0]).toBe('new/x.c: only said to differ; `diff -u` without -q shows its lines');
  });

  test('files that plain diff names in a line are named behind a hunk as well', async () => {
    const skipped: string[] = [];
    const diff = `diff -ru old/x.c new/x.c
--- old/x.c\t2026-01-01
+++ new/x.c\t2026-01-02
@@ -1 +1 @@
-a
+b
Only in new: y.c
Binary files old/z.bin and new/z.bin differ
Submodule lib 1234567..89abcde:
Binary file pic.gif has changed
Index: pic.png
Cannot display: file marked as a binary type.
`;
    const hunks = await hunksOf(diff, { onSkip: (file, reason) => skipped.push(`${file}: ${reason}`) });
    expect(hunks.map(({ file }) => file)).toEqual(['new/x.c']);
    expect(skipped).toEqual([
      'new/y.c: only in one of the two folders; `diff -N` shows its lines',
      'z.bin: a binary file', // as git's lines of this kind, where both sides agree
      'lib: a submodule',
      'pic.gif: a binary file', // as Mercurial writes it
      'pic.png: a binary file', // as Subversion writes it
    ]);
  });

  test.each(['@@ @@', '@@ function f() {', '@@', '@@ -1,x +1 @@'])(
    'a hunk that begins with %s has no line counts, and is no header alone',
    async (begin) => {
      const diff = `diff --git a/a.js b/a.js\n--- a/a.js\n+++ b/a.js\n${begin}\n-a\n+b\n`;
      await expect(hunksOf(diff)).rejects.toThrow(/^line 4: this hunk has no line counts; expected a unified diff/);
    },
  );

  test.each([
    ['one of git', 'diff --git a/a.js b/a.js\nindex 1..2 100644\n--- a/a.js\n+++ b/a.js\n'],
    ['one of git without paths', 'diff --git a/a.js b/a.js\n'],
    ['one of plain diff', `${simple}--- a/a.js\n+++ b/a.js\n`],
  ])('a header that no hunk follows is named: %s', async (_, diff) => {
    const skipped: string[] = [];
    await hunksOf(diff, { onSkip: (file, reason) => skipped.push(`${file}: ${reason}`) });
    expect(skipped).toEqual(['a.js: a header without hunks']);
  });

  test('what `cat -A` writes, and a page with a diff in it, are refused', async () => {
    const shown = simple.replaceAll('\n', '$\n');
    await expect(hunksOf(shown)).rejects.toThrow('line 5: the lines end in $, as `cat -A` writes them: pass the diff itself');
    await expect(hunksOf(`<!DOCTYPE html>\n<pre>\n${simple}`)).rejects.toThrow('it looks like an HTML or XML page');
  });

  test('changes beyond the counts of their header are refused, also behind unchanged lines; indented text there is no change', async () => {
    const begin = '--- a/a.js\n+++ b/a.js\n@@ -1 +1 @@\n-a\n+b\n';
    for (const more of ['-c\n', ' c\n+d\n', ' c\n d\n\\ No newline at end of file\n-e\n'])
      await expect(hunksOf(begin + more)).rejects.toThrow(/^line \d: the hunk at line 3 does not match the line counts in its header/);
    for (const text of ['    c\n', '    c\n\n- d\n', '\n- a list\n+ of a message\n', '-- \n2.40\n', '    c\nd\n+ e\n'])
      expect((await hunksOf(begin + text + begin)).map(({ code }) => code)).toEqual(['b', 'b']);
  });

  test('signs behind an empty line are named, for they may be a list or code, and refused where git refuses them: before the next hunk', async () => {
    const begin = '--- a/a.js\n+++ b/a.js\n@@ -1 +1 @@\n-a\n+b\n';
    const skipped: string[] = [];
    const onSkip = (file: string, reason: string) => skipped.push(`${file}: ${reason}`);
    for (const more of ['\n-c\n+d\n', '\n c\n\n+-d\n', '\r\n\n--d;\n', '+----+\n'])
      expect(await hunksOf(`${begin}${more}${begin}`, { onSkip })).toHaveLength(2);
    expect(skipped).toEqual([7, 9, 8, 6].map((line) => `a.js: line ${line} of the diff, beyond the line counts of the hunk at line 3`));
    for (const [text, line] of [
      ['\n+c\n', 7],
      ['c\n+d\n', 6],
      ['--- d\n', 6],
      ['text\n', 6],
    ] as const) {
      const input = `${begin}${text}@@ -4 +5 @@\n-z\n+y\n`;
      await expect(hunksOf(input)).rejects.toThrow(`line ${line}: the hunk at line 3 does not match the line counts in its header`);
      expect(spawnSync('git', ['apply', '--check'], { input, encoding: 'utf8' }).stderr).toMatch(
        /patch fragment without header at line [78]/,
      );
    }
    expect(await hunksOf(`${begin}\n@@ -4 +4 @@\n-z\n+y\n`)).toHaveLength(2);
    skipped.length = 0;
    for (const text of ['-- \n2.40\n', '\n--\n me\n', '\ncommit 1\n\n- a list\n']) await hunksOf(begin + text + begin, { onSkip });
    expect(skipped).toEqual([]);
  });

  test('a file whose name is not UTF-8 is named and skipped: no report could name it', async () => {
    const skipped: string[] = [];
    const diff = '--- "a/l\\351.js"\n+++ "b/l\\351.js"\n@@ -1 +1 @@\n-a\n+b\n';
    expect(await hunksOf(diff, { onSkip: (file, reason) => skipped.push(`${file}: ${reason}`) })).toEqual([]);
    expect(skipped).toEqual(['l\ufffd.js: its name is not valid UTF-8: rename it']);
  });

  test('lines that end in a carriage return alone are refused', async () => {
    await expect(hunksOf(simple.replaceAll('\n', '\r'))).rejects.toThrow('line 1: the lines end in a carriage return alone');
  });

  test('code at which the diff breaks off is never written back', async () => {
    const hunks = await hunksOf('--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n@@ -4,3 +4,3 @@\n one\n-two\n+zw');
    expect(hunks.map(({ code, isCut }) => [code, isCut])).toEqual([
      ['b', undefined],
      ['one\nzw', true],
    ]);
  });

  test('nothing, a text without a diff, which is refused, a header without lines, an end in the middle', async () => {
    expect(await hunksOf('')).toEqual([]);
    await expect(hunksOf('Dear all,\n\n--\nme\n')).rejects.toThrow(/this input contains no diff: expected a unified diff/);
    expect(await hunksOf('--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n')).toEqual([]);
    expect((await hunksOf('--- a/a\n+++ b/a\n@@ -1,3 +1,9 @@\n a\n+b')).map(({ code }) => code)).toEqual(['a\nb']);
  });

  test('input without an end, as of /dev/zero or of a program that repeats itself, is refused', async () => {
    async function* repeated(chunk: Buffer): AsyncGenerator<Buffer> {
      for (;;) yield chunk;
    }
    const first = async (chunk: Buffer) => diffHunks(diffTextLines(repeated(chunk))).next();
    await expect(first(Buffer.alloc(2 ** 24))).rejects.toThrow(/^this input has a line of more than 256 MiB: expected a unified diff/);
    await expect(first(Buffer.from('y\n'.repeat(2 ** 15)))).rejects.toThrow(/^this input contains no diff: expected a unified diff/);
  });

  test('no newline at the end, windows line ends, and context lines whose blank was stripped', async () => {
    const [hunk] = await hunksOf(
      '--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n a\n\n-b\n\\ No newline at end of file\n+c\r\n\\ No newline at end of file\n',
    );
    expect(hunk?.patch).toBe('@@ -1,3 +1,3 @@\n a\n \n-b\n+c\r');
  });

  test('other encodings, NUL, and a line of megabytes', async () => {
    const head = Buffer.from('--- a/a\n+++ b/a\n@@ -0,0 +1,3 @@\n');
    const [hunk] = await hunksOf(
      Buffer.concat([head, Buffer.from([0x2b, 0xe4, 0x0a, 0x2b, 0, 0x0a, 0x2b]), Buffer.alloc(3e6, 'x'), Buffer.from('\n')]),
    );
    expect(hunk?.code.startsWith('\ufffd\n\0\nxxx')).toBe(true);
    expect(hunk?.code.length).toBeLessThan(3000);
    expect(hunk?.codeLines).toBe(3);
  });

  test('whatever comes in, hunks hold no more than so many lines and lie where they say', async () => {
    const line = fc.constantFrom(
      '@@ -1,3 +1,3 @@',
      '@@ -1 +9999999999 @@',
      '@@ -5,0 +6,200 @@',
      '+++ b/a',
      '--- a/a',
      '+x',
      '-y',
      ' z',
      '',
      '\\ No',
      'diff --git a/a b/b',
      'Binary files a and b differ',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 60 }), async (lines) => {
        const given: DiffHunk[] = [];
        try {
          for await (const hunk of diffHunks(lines, { maxLines: 5 })) given.push(hunk);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
        for (const hunk of given) {
          expect(hunk.patch.split('\n').length).toBeLessThanOrEqual(6);
          expect(hunk.code === '' ? 0 : hunk.codeLines).toBeLessThanOrEqual(5);
          expect(hunk.line).toBeGreaterThanOrEqual(1);
          expect(hunk.endLine).toBeGreaterThanOrEqual(hunk.line);
        }
      }),
    );
  });

  test('a diff of a hundred thousand hunks streams', async () => {
    function* lines() {
      yield '--- a/a.js';
      yield '+++ b/a.js';
      for (let i = 0; i < 100_000; i++) yield* [`@@ -${3 * i + 1},1 +${3 * i + 1},2 @@`, ' a', '+b'];
    }
    let count = 0;
    for await (const { line } of diffHunks(lines())) {
      count++;
      if (count === 100_000) expect(line).toBe(3 * 99_999 + 2);
    }
    expect(count).toBe(100_000);
  });
});
