import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { type DiffHunk, diffHunks, diffTextLines } from 'lowrank-review';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { conflictingFiles, gitDiff } from '../../../lib/review/src/cli/gitDiff';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const origin = folder('origin');

function git(place: string, ...words: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always'];
  return execFileSync('git', [...identity, ...words], { cwd: place, stdio: 'pipe' }).toString();
}
const write = (place: string, name: string, text: string) => fs.writeFileSync(`${place}/${name}`, text);

function commit(place: string, message: string): void {
  git(place, 'add', '.');
  git(place, 'commit', '-qm', message);
}

/** What is there to review, and what is passed over. */
async function read(place: string, base?: string): Promise<{ hunks: DiffHunk[]; skipped: Record<string, string> }> {
  const hunks: DiffHunk[] = [];
  const skipped: Record<string, string> = {};
  const onSkip = (file: string, reason: string) => {
    skipped[file] = reason;
  };
  for await (const hunk of diffHunks(diffTextLines(gitDiff(base, place)), { onSkip })) hunks.push(hunk);
  return { hunks, skipped };
}

beforeAll(() => {
  fs.mkdirSync(origin);
  git(origin, 'init', '-q', '-b', 'main');
  for (const text of ['let a;\n', 'let a;\nlet b;\n', 'let a;\nlet b;\nlet c;\n']) {
    write(origin, 'a.js', text);
    commit(origin, 'one more');
  }
});
afterEach(() => vi.unstubAllEnvs());

test('a branch into which the base was merged is reviewed for its own changes alone', async () => {
  const place = folder('merged');
  git(folder('.'), 'clone', '-q', origin, place);
  git(place, 'switch', '-qc', 'work');
  write(place, 'own.js', 'let own;\n');
  commit(place, 'own');
  git(place, 'switch', '-q', 'main');
  write(place, 'theirs.js', 'let theirs;\n');
  commit(place, 'theirs');
  git(place, 'switch', '-q', 'work');
  git(place, 'merge', '-q', '--no-ff', '-m', 'merge', 'main');
  expect((await read(place, 'main')).hunks).toMatchObject([{ file: 'own.js', code: 'let own;' }]);
});

test('an unfinished merge is reviewed against the last commit, and its conflicts are named', async () => {
  const place = folder('conflict');
  git(folder('.'), 'clone', '-q', origin, place);
  for (const [branch, text] of [
    ['work', 'let mine;\n'],
    ['main', 'let yours;\n'],
  ] as const) {
    git(place, 'switch', '-q', ...(branch === 'work' ? ['-c', branch] : [branch]));
    write(place, 'a.js', text);
    commit(place, branch);
  }
  expect(() => git(place, 'merge', 'work')).toThrow();
  const { hunks, skipped } = await read(place);
  expect([...hunks.map(({ file, patch }) => [file, /^\+(<<<<<<<|let)/m.test(patch)]), ...Object.entries(skipped)]).toEqual([
    ['a.js', true],
  ]);
  expect([...(await conflictingFiles(place))]).toEqual(['a.js']); // which the command then passes over
  git(place, 'add', 'a.js');
  expect([...(await conflictingFiles(place))]).toEqual([]);
});

test('the pointer of Git LFS is no code either', async () => {
  const place = folder('large');
  git(folder('.'), 'clone', '-q', origin, place);
  const pointer = (digit: string) => `version https://git-lfs.github.com/spec/v1\noid sha256:${digit.repeat(64)}\nsize 12\n`;
  write(place, 'data.js', pointer('a'));
  commit(place, 'large');
  write(place, 'data.js', pointer('b'));
  write(place, 'new.js', pointer('c'));
  write(place, 'about.js', `// ${pointer('d').replaceAll('\n', '\n// ')}\n`);
  git(place, 'add', '.');
  const { hunks, skipped } = await read(place);
  expect([hunks.map(({ file }) => file), skipped]).toEqual([
    ['about.js'],
    { 'data.js': 'a Git LFS pointer', 'new.js': 'a Git LFS pointer' },
  ]);
});

test('the pointer of a submodule is no code; changes of the repository itself are reviewed', async () => {
  const place = folder('super');
  git(folder('.'), 'clone', '-q', origin, place);
  git(place, 'submodule', '--quiet', 'add', origin, 'part');
  commit(place, 'with a part');
  git(`${place}/part`, 'checkout', '-q', 'HEAD~1');
  write(place, 'a.js', 'let z;\n');
  const { hunks, skipped } = await read(place);
  expect([hunks.map(({ file }) => file), skipped]).toEqual([['a.js'], { part: 'a submodule' }]);
});

test.each<[string, (place: string) => string | undefined, RegExp]>([
  [
    'a bare repository',
    (place) => void git(folder('.'), 'clone', '-q', '--bare', origin, place),
    /is a bare repository.*pipe in a diff of two commits/,
  ],
  [
    'a bare repository without a commit',
    (place) => void git(folder('.'), 'init', '-q', '--bare', place),
    /is a bare repository.*pipe in a diff of two commits/,
  ],
  [
    'a base where there is no commit yet',
    (place) => {
      git(folder('.'), 'init', '-q', place);
      return 'main';
    },
    /^the branch \w+ has no commit yet to compare with main; leave out --base/,
  ],
  [
    'a repository of a form that git does not know',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      git(place, 'config', 'extensions.later', 'true');
      git(place, 'config', 'core.repositoryformatversion', '1');
      return undefined;
    },
    /^git cannot read the repository of .*: unknown repository extension found: later/,
  ],
  ...(
    [
      ['empty', (head) => fs.writeFileSync(head, ''), 'is empty'],
      ['of other bytes', (head) => fs.writeFileSync(head, Buffer.of(0, 255, 7)), 'names neither a branch nor a commit'],
      ['missing', () => {}, 'is missing'],
      ['a folder', (head) => fs.mkdirSync(head), 'is a folder'],
      ['a FIFO', (head) => execFileSync('mkfifo', [head]), 'is not a file'],
      ['a link to nothing', (head) => fs.symlinkSync('nowhere', head), 'is not a file'],
    ] satisfies [string, (head: string) => void, string][]
  ).map<[string, (place: string) => undefined, RegExp]>(([what, put, says]) => [
    `a HEAD that is ${what}`,
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      vi.stubEnv('GIT_CEILING_DIRECTORIES', folder('.'));
      fs.rmSync(`${place}/.git/HEAD`);
      put(`${place}/.git/HEAD`);
    },
    new RegExp(`^git cannot read the repository of .*: /.*/\\.git/HEAD ${says}$`),
  ]),
  ...(
    [
      ['is empty', ''],
      ['holds no commit', 'garbage\n'],
      ['names a commit that is missing', `${'1'.repeat(40)}\n`],
    ] satisfies [string, string][]
  ).map<[string, (place: string) => undefined, RegExp]>(([what, text]) => [
    `a branch whose file ${what}`,
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      fs.writeFileSync(`${place}/.git/refs/heads/main`, text);
    },
    /^git cannot read the repository of .*: HEAD leads to no commit; `git fsck` says what is damaged$/,
  ]),
  [
    'a worktree whose HEAD is a FIFO',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, `${place}-whole`);
      git(`${place}-whole`, 'worktree', 'add', '-q', '-b', 'other', place);
      const [, own = ''] = /^gitdir: (.+)/.exec(fs.readFileSync(`${place}/.git`, 'utf8')) ?? [];
      fs.rmSync(`${own}/HEAD`);
      execFileSync('mkfifo', [`${own}/HEAD`]);
      return undefined;
    },
    /^git cannot read the repository of .*: \/.*\/worktrees\/[^/]+\/HEAD is not a file$/,
  ],
  [
    'a HEAD of a branch that there is not',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      git(place, 'symbolic-ref', 'HEAD', 'refs/heads/nowhere');
      return 'main';
    },
    /^the branch nowhere has no commit yet to compare with main; leave out --base/,
  ],
  [
    'another place in GIT_DIR',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      vi.stubEnv('GIT_DIR', '/nowhere');
      return undefined;
    },
    /^git cannot read the repository of .*: not a git repository: '\/nowhere' \(from GIT_DIR, which is set\)/,
  ],
  [
    'a base that there is not',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      return 'feature';
    },
    /git diff says: .*feature.*try `git fetch`/,
  ],
  [
    'a base that is a file',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      return 'HEAD:a.js';
    },
    /^--base HEAD:a\.js is not one commit/,
  ],
  [
    'a range as the base',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      return 'main~1..main';
    },
    /^--base main~1\.\.main is not one commit/,
  ],
  [
    'a base without a common ancestor',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      git(place, 'switch', '-q', '--orphan', 'other');
      write(place, 'b.js', 'let b;\n');
      commit(place, 'other');
      return 'main';
    },
    /HEAD and main have no common ancestor/,
  ],
  [
    'a shallow clone that does not hold the base',
    (place) => {
      git(folder('.'), 'clone', '-q', '--depth', '1', `file://${origin}`, place);
      return 'HEAD~2';
    },
    /this clone is shallow: fetch its history with `git fetch --unshallow`/,
  ],
  [
    'a folder of another owner',
    (place) => {
      git(folder('.'), 'clone', '-q', origin, place);
      vi.stubEnv('GIT_TEST_ASSUME_DIFFERENT_OWNER', '1'); // git's own switch for its tests
      return undefined;
    },
    /belongs to another user, and git refuses to read it: allow it with `git config --global --add safe\.directory/,
  ],
  [
    'a folder in no repository',
    (place) => {
      fs.mkdirSync(place);
      vi.stubEnv('GIT_CEILING_DIRECTORIES', folder('.'));
      return undefined;
    },
    /is not in a git repository; change to one, or pipe in a diff/,
  ],
])('%s is refused with its reason and what to do', async (name, make, message) => {
  const place = folder(name);
  const base = make(place);
  await expect(read(place, base)).rejects.toThrow(message);
});
