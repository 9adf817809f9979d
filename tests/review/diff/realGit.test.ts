import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import nodePath from 'node:path';
import { type DiffHunk, diffHunks, diffTextLines } from 'lowrank-review';
import { beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const place = folder('repository');
const git = (...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...words], { cwd: place, stdio: 'pipe' });
const write = (name: string, content: string) => {
  fs.mkdirSync(nodePath.dirname(nodePath.join(place, name)), { recursive: true });
  fs.writeFileSync(nodePath.join(place, name), content);
};

async function read(diff: Buffer): Promise<{ hunks: DiffHunk[]; skipped: Record<string, string> }> {
  const hunks: DiffHunk[] = [];
  const skipped: Record<string, string> = {};
  async function* chunks() {
    yield diff;
  }
  const onSkip = (file: string, reason: string) => {
    skipped[file] = reason;
  };
  for await (const hunk of diffHunks(diffTextLines(chunks()), { onSkip })) hunks.push(hunk);
  return { hunks, skipped };
}

/** Names that git's prefixes, its quotes and blanks can be mistaken for. */
const names = [
  'a/x.js',
  'b/x.js',
  'c/i/w.py',
  'w/my file.ts',
  'a b/c d.go',
  'ä "q".rb',
  'i.c',
  'tab\there.js',
  '1/2/1.cs',
  'deep/a/b/c.java',
];
const gone = 'o/gone.js';

beforeAll(() => {
  fs.mkdirSync(place);
  git('init', '-q', '-b', 'main');
  const random = seededRandom(7);
  const lines = () => Array.from({ length: 30 }, () => `line ${Math.floor(1e6 * random())}`);
  const texts = new Map([...names, gone].map((name) => [name, lines()]));
  for (const [name, text] of texts) write(name, `${text.join('\n')}\n`);
  write('b/moved.js', `${lines().join('\n')}\n`);
  write('empty.js', '');
  git('add', '.');
  git('commit', '-qm', 'one');
  for (const name of names) {
    const text = texts.get(name) ?? [];
    for (let i = 0; i < 4; i++) {
      const at = Math.floor(random() * text.length);
      text.splice(at, Math.floor(random() * 3), ...(random() < 0.6 ? [`-- added ${at}`, '++ b/added'] : []));
    }
    write(name, random() < 0.5 ? text.join('\n') : `${text.join('\n')}\n`);
  }
  git('rm', '-q', gone);
  git('mv', 'b/moved.js', 'a/moved.js');
  write('a/new.js', 'let a;\n');
  write('empty2.js', '');
  fs.symlinkSync('a/new.js', nodePath.join(place, 'link'));
  fs.chmodSync(nodePath.join(place, 'empty.js'), 0o755);
  fs.writeFileSync(nodePath.join(place, 'pic.png'), Buffer.from([1, 0, 2]));
  git('update-index', '--add', '--cacheinfo', '160000,1111111111111111111111111111111111111111,vendor/my parts');
  fs.mkdirSync(nodePath.join(place, 'vendor/my parts'), { recursive: true });
  git('add', '--', ...names, 'a/new.js', 'empty2.js', 'link', 'empty.js', 'pic.png');
});

describe('what git writes is read as git means it', () => {
  const forms: readonly string[][] = [
    [],
    ['--no-prefix'],
    ['--src-prefix=old/', '--dst-prefix=new/'],
    ['--src-prefix=', '--dst-prefix=new/'],
    ['--color=always'],
    ['--color=always', '--ws-error-highlight=all'],
    ['--no-renames'],
    ['--binary', '--full-index'],
  ];
  test.each(
    ['-U0', '-U3', '-U1000'].flatMap((context) => [
      ...forms.map((form) => [[context, ...form]] as const),
      [[context, 'mnemonic']] as const,
    ]),
  )('with %j', async (words) => {
    const isMnemonic = words.at(-1) === 'mnemonic';
    const options = isMnemonic ? ['-c', 'diff.mnemonicPrefix=true', 'diff', '--cached', words[0] ?? ''] : ['diff', '--cached', ...words];
    const { hunks, skipped } = await read(git(...options));
    expect(new Set(hunks.map(({ file }) => file))).toEqual(
      new Set([...names, 'a/new.js', ...(words.includes('--no-renames') ? ['a/moved.js'] : [])]),
    );
    for (const { file, code, codeStart, codeLines, line, endLine, patch, isCut } of hunks) {
      const text = fs.readFileSync(nodePath.join(place, file), 'utf8').replace(/\n$/, '').split('\n');
      expect(isCut).toBeUndefined();
      expect(codeLines === 0 ? [''] : text.slice(codeStart - 1, codeStart - 1 + codeLines)).toEqual(code.split('\n'));
      expect(line).toBeGreaterThanOrEqual(1);
      expect(endLine).toBeLessThanOrEqual(text.length);
      const added = patch.split('\n').filter((each) => each.startsWith('+'));
      if (added.length > 0) expect([added[0], added.at(-1)]).toEqual([`+${text[line - 1]}`, `+${text[endLine - 1]}`]);
    }
    expect(skipped).toEqual({
      [gone]: 'a deleted file',
      ...(words.includes('--no-renames') ? { 'b/moved.js': 'a deleted file' } : { 'a/moved.js': 'only renamed' }),
      'empty.js': 'only its mode changed',
      'empty2.js': 'an empty file',
      link: 'a symbolic link',
      'pic.png': 'a binary file',
      'vendor/my parts': 'a submodule',
    });
  });

  test('as a log, as mails, with Windows line ends, and in UTF-16', async () => {
    const plain = git('diff', '--cached', '-U3');
    const { hunks } = await read(plain);
    expect(hunks.length).toBeGreaterThan(10);
    const converted = Buffer.from(plain.toString().replaceAll('\n', '\r\n'));
    const wide = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(plain.toString(), 'utf16le')]);
    git('commit', '-qm', 'two\n\n--- a/x\nsome words');
    const forms = [converted, wide, git('log', '-p', '-1'), git('show'), git('format-patch', '--stdout', '-1')];
    for (const text of forms) expect((await read(text)).hunks).toEqual(hunks);
  });

  test.each([
    ['--stat', /a summary/],
    ['--numstat', /a summary/],
    ['--raw', /a raw diff/],
    ['--name-only', /this input contains no diff/],
    ['--word-diff', /does not match the line counts|changes nothing/],
    ['--color-words', /does not match the line counts|changes nothing|terminal escapes where a coloured diff has none/],
    ['--output-indicator-new=>', /does not match the line counts/],
    ['--line-prefix=| ', /a graph/],
  ])('but %s is refused', async (form, message) => {
    await expect(read(git('diff', 'HEAD~1', 'HEAD', form))).rejects.toThrow(message);
  });
});

test('a coloured diff loses its colours, whatever they are, and never the escapes of its code', async () => {
  const blanks = ['one', 'two ', '\tthree', '  \tfour \t', '', '', 'five\r', '\u009b1mC1'];
  const own = ['\x1b[31mred\x1b[m', 'red\x1b[m', 'x\x1b[1mb\x1b[0m', '\x1b[1mb', '\x1b[m', '\x1b[32mok\x1b[m ', '\x1b]0;t\x07'];
  const looks = [
    [],
    ['color.diff.new=normal'],
    ['color.diff.context=yellow dim', 'color.diff.old=bold #ff0000'],
    ['core.whitespace=-trailing-space'],
  ];
  const words = [[], ['--ws-error-highlight=all'], ['--ws-error-highlight=none'], ['--color-moved=zebra']];
  const diffOf = (name: string, look: readonly string[], ...options: readonly string[]) =>
    git(...look.flatMap((each) => ['-c', each]), 'diff', '--cached', ...options, '--', name);
  const inAllWays = async (name: string, before: readonly string[], after: readonly string[], see: (diff: Buffer) => Promise<void>) => {
    for (const text of [before, after]) {
      write(name, `${text.join('\n')}\n`);
      if (text === before) git('add', name);
      if (text === before) git('commit', '-qm', name);
    }
    git('add', name);
    for (const look of looks) for (const each of words) await see(diffOf(name, look, '--color=always', ...each));
  };
  const [old, next] = [
    ['0', ...blanks, 'moved along', 'six'],
    [...blanks, '1', ...blanks.toReversed(), 'six', 'moved along'],
  ];
  await inAllWays('blanks.txt', old, next, async (diff) => {
    expect(diff.toString()).toContain('\x1b[');
    expect((await read(diff)).hunks).toEqual((await read(diffOf('blanks.txt', []))).hunks);
  });
  for (const [i, line] of own.entries()) {
    for (const [before, after] of [
      [
        ['a', line],
        ['b', line],
      ],
      [['a'], [line]],
      [[line], ['a']],
    ] as const) {
      const name = `own${i}${before.length}${before[0] === line}.txt`;
      await inAllWays(name, before, after, (diff) =>
        expect(read(diff)).rejects.toThrow(/^line \d: terminal escapes where a coloured diff has none/),
      );
      const plain = (await read(diffOf(name, []))).hunks[0]?.patch.split('\n');
      expect(plain).toContain(before.length === 2 ? ` ${line}` : after[0] === line ? `+${line}` : `-${line}`);
    }
  }
}, 60_000);

test.each([
  ['a context diff', '*** a.c\t2026\n--- b.c\t2026\n***************\n*** 1,2 ****\n! a\n--- 1,2 ----\n! b\n', /context diff/],
  ['what diff writes by itself', '1c1\n< a\n---\n> b\n', /without -u/],
  ['an ed script', '1c\nb\n.\n', /ed script/],
  ['JSON', '{"a": 1}\n', /JSON/],
  ['HTML', '<!DOCTYPE html>\n<p>+++ a</p>\n', /HTML/],
  ['random bytes', '\0\x01\u{fffd}\u{fffd}', /binary data/],
  ['a hunk alone', '@@ -1 +1 @@\n-a\n+b\n', /a hunk without a line .\+\+\+ FILE. before it/],
  ['a broken hunk', '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\nb\n', /line 5: the hunk at line 3/],
  ['a hunk with more lines than it says', '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n+c\n', /line 6: the hunk at line 3/],
  ['an encoded mail', 'Content-Transfer-Encoding: quoted-printable\n\n--- a/a\n', /git mailinfo/],
])('%s is refused, with what was expected', async (_, text, message) => {
  await expect(read(Buffer.from(text))).rejects.toThrow(message);
  await expect(read(Buffer.from(text))).rejects.toThrow(/expected a unified diff/);
});

test('blank text is an empty diff', async () => {
  expect((await read(Buffer.from(' \n\n'))).hunks).toEqual([]);
});

test('the messages of mailed commits may hold what looks like hunks', async () => {
  const message = 'why\n\n@@ -1 +1 @@\n-as\n+so\n';
  for (const text of ['one\n', 'two\n']) {
    write('mailed.js', text);
    git('add', 'mailed.js');
    git('commit', '-qm', message, '--', 'mailed.js');
  }
  const { hunks } = await read(git('format-patch', '-2', '--stdout'));
  expect(hunks.map(({ file, line, code }) => [file, line, code])).toEqual([
    ['mailed.js', 1, 'one'],
    ['mailed.js', 1, 'two'],
  ]);
});
