/** Reads the diff to review from git, a file or stdin. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import nodePath from 'node:path';
import { promisify } from 'node:util';
import { fileFault, pathKind, UsageError } from 'lowrank/internal';

/** Overrides the user's git settings: no colours, no external tools, the standard prefixes, rename detection on. */
const plain = [
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--no-relative',
  '--submodule=short',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '-U3',
  '-M',
];

/** The hash of the empty tree, which exists in every repository, by hash algorithm. */
const emptyTrees: Readonly<Record<string, string>> = {
  sha1: '4b825dc642cb6eb9a060e54bf8d69288fbee4904',
  sha256: '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321',
};

/**
 * Streams the changes that git finds: since the common ancestor with `base`, or uncommitted ones. Before the first commit, these are
 * all added files.
 *
 * @throws UsageError when git is missing or refuses, with the reason and the fix.
 */
export async function* gitDiff(base: string | undefined, folder = process.cwd()): AsyncGenerator<Buffer> {
  if (base?.startsWith('-')) throw new UsageError(`--base ${base} is not a commit`);
  const since = await sinceOf(base, folder);
  const git = spawn('git', ['diff', ...plain, ...since, '--'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: inEnglish() });
  const ended = once(git, 'close') as Promise<[number | null]>;
  ended.catch(() => {}); // handled below; this covers a reader that stops early
  let words = '';
  git.stderr.on('data', (chunk: Buffer) => {
    if (words.length < 2000) words += chunk.toString();
  });
  try {
    yield* git.stdout as AsyncIterable<Buffer>;
    const [code] = await ended.catch((cause: Error) => {
      throw new UsageError(`cannot run git (${cause.message}); install it, or pipe in a diff with - as the argument`);
    });
    if (code !== 0) throw await refusal(words, code, base, folder);
  } finally {
    git.kill();
  }
}

/** The branch that is checked out, if it has no commit yet. All staged files then count as changed. */
export async function unbornBranch(folder = process.cwd()): Promise<string | undefined> {
  return (await lastCommit(folder)) === 'HEAD' ? undefined : branchOf(folder);
}

/** Empty where HEAD is a commit, and where the branch's own file is damaged. */
async function branchOf(folder: string): Promise<string> {
  return (await answer(folder, 'symbolic-ref', '--short', 'HEAD')).trim();
}

/** The files that git does not track and therefore omits from a diff, as paths from the root of the repository. */
export async function untrackedFiles(): Promise<string[]> {
  return (await answer(process.cwd(), 'ls-files', '--others', '--exclude-standard', '--full-name', '-z', ':/')).split('\0').filter(Boolean);
}

/** The files with a conflict that is not resolved yet, as paths from the root of the repository. */
export async function conflictingFiles(folder = process.cwd()): Promise<ReadonlySet<string>> {
  const root = await rootOf(folder);
  if (root === '') return new Set();
  const entries = (await answer(root, 'ls-files', '--unmerged', '-z')).split('\0').filter(Boolean);
  return new Set(entries.map((entry) => entry.slice(entry.indexOf('\t') + 1)));
}

/** The changed files that `.gitattributes` marks as `linguist-generated`. */
export async function generatedFiles(base: string | undefined): Promise<ReadonlySet<string>> {
  const folder = process.cwd();
  const root = await rootOf(folder);
  if (root === '') return new Set();
  const since = await sinceOf(base, folder);
  const names = (await answer(root, 'diff', '--no-relative', '--name-only', '-z', ...since, '--')).split('\0').filter(Boolean);
  const generated = new Set<string>();
  for (let i = 0; i < names.length; i += 500) {
    const words = (await answer(root, 'check-attr', '-z', 'linguist-generated', '--', ...names.slice(i, i + 500))).split('\0');
    for (let at = 0; at + 2 < words.length; at += 3) {
      if (words[at + 2] === 'set' || words[at + 2] === 'true') generated.add(words[at] ?? '');
    }
  }
  return generated;
}

/** Streams a diff from a file, or from stdin for `-`. @throws UsageError when the file cannot be read. */
export async function* givenDiff(name: string, stdin: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of name === '-' ? stdin : fs.createReadStream(name)) yield Buffer.from(chunk);
  } catch (cause) {
    throw new UsageError(`cannot read ${name} (${fileFault(cause)})`);
  }
}

/** The root of the repository, or an empty text outside of one. */
async function rootOf(folder: string): Promise<string> {
  return (await answer(folder, 'rev-parse', '--show-toplevel')).replace(/\n$/, '');
}

/** The arguments of `git diff` that name the older side. */
async function sinceOf(base: string | undefined, folder: string): Promise<readonly string[]> {
  return base === undefined ? [await lastCommit(folder)] : ['--merge-base', base];
}

async function lastCommit(folder: string): Promise<string> {
  if ((await answer(folder, 'rev-parse', '--is-inside-work-tree')).trim() !== 'true') return 'HEAD'; // the diff that follows reports why
  if ((await answer(folder, 'rev-parse', '--verify', '--quiet', 'HEAD')) !== '') return 'HEAD';
  if ((await branchOf(folder)) === '') return 'HEAD';
  const format = (await answer(folder, 'rev-parse', '--show-object-format')).trim();
  return emptyTrees[format] ?? emptyTrees.sha1 ?? 'HEAD';
}

async function refusal(words: string, code: number | null, base: string | undefined, folder: string): Promise<UsageError> {
  const { stderr: complaint } = await outputs(folder, ['rev-parse', '--git-dir']);
  // `git diff` treats such a folder as if it had no repository.
  if (/dubious ownership/i.test(words + complaint)) {
    return new UsageError(
      `${folder} belongs to another user, and git refuses to read it: allow it with \`git config --global --add safe.directory FOLDER\``,
    );
  }
  const ask = async (question: string) => (await answer(folder, 'rev-parse', question)).trim() === 'true';
  const isInside = await ask('--is-inside-work-tree');
  if (isInside && base !== undefined && /--no-index|does not work with ranges/i.test(words))
    return new UsageError(`--base ${base} is not one commit; give a branch, a tag or a hash`);
  const why = /^fatal: (.+)/s.exec(complaint)?.[1]?.trim().replace(/\s+/g, ' ');
  if (why !== undefined && !/or any (of the parent directories|parent up to)/.test(why))
    return unreadable(folder, `${why}${process.env.GIT_DIR ? ' (from GIT_DIR, which is set)' : ''}`);
  if (!isInside && /--no-index|not a git repository/i.test(words)) {
    const fault = headFault(folder);
    if (fault !== undefined) return unreadable(folder, fault);
    return new UsageError(`${folder} is not in a git repository; change to one, or pipe in a diff with - as the argument`);
  }
  if (await ask('--is-bare-repository')) {
    return new UsageError(`${folder} is a bare repository without files to compare; pipe in a diff of two commits with - as the argument`);
  }
  if (await ask('--is-inside-git-dir')) return new UsageError(`${folder} is git's own folder; change to the files of the repository`);
  const unborn = await unbornBranch(folder);
  if (unborn !== undefined) return new UsageError(`the branch ${unborn} has no commit yet to compare with ${base}; leave out --base`);
  if (base === undefined && /bad (object|revision) '?HEAD/.test(words))
    return unreadable(folder, 'HEAD leads to no commit; `git fsck` says what is damaged');
  const isShallow = await ask('--is-shallow-repository');
  const says = `git diff says: ${words.trim().split('\n')[0] || `exit code ${code}`}`;
  if (isShallow)
    return new UsageError(`${says}; this clone is shallow: fetch its history with \`git fetch --unshallow\`, or clone with more depth`);
  if (/no merge base/i.test(words)) return new UsageError(`${says}: HEAD and ${base} have no common ancestor`);
  return new UsageError(/bad revision|ambiguous argument|unknown revision/i.test(words) ? `${says}; try \`git fetch\`` : says);
}

function unreadable(folder: string, why: string): UsageError {
  return new UsageError(`git cannot read the repository of ${folder}: ${why}`);
}

/** Why git does not accept the nearest `.git` as a repository: it skips such a folder, and reports that there is none. */
function headFault(folder: string): string | undefined {
  const head = nearestHead(folder);
  if (head === undefined) return undefined;
  const kind = pathKind(head) ?? (fs.lstatSync(head, { throwIfNoEntry: false }) ? 'link' : 'missing');
  if (kind === 'link' && fs.readlinkSync(head).startsWith('refs/')) return undefined;
  if (kind !== 'file') return `${head} is ${kind === 'folder' ? 'a folder' : kind === 'missing' ? kind : 'not a file'}`;
  try {
    const text = fs.readFileSync(head, 'utf8');
    if (/^(ref:\s*refs\/|[0-9a-f]{40})/i.test(text)) return undefined;
    return `${head} ${text === '' ? 'is empty' : 'names neither a branch nor a commit'}`;
  } catch (cause) {
    return `${head} cannot be read (${fileFault(cause)})`;
  }
}

/** Empty where the file cannot be read: git then says why. */
function textOf(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** `HEAD` of the nearest `.git`, from this folder upwards: a folder, or the file in a worktree or a submodule that names it. */
function nearestHead(folder: string): string | undefined {
  const place = nodePath.resolve(folder);
  const own = nodePath.join(place, '.git');
  const kind = pathKind(own);
  if (kind === 'folder') return nodePath.join(own, 'HEAD');
  if (kind === 'file') {
    const [, named] = /^gitdir: (.+)/.exec(textOf(own)) ?? [];
    return named && nodePath.join(nodePath.resolve(place, named), 'HEAD'); // git refuses another file
  }
  const above = nodePath.dirname(place);
  return above === place ? undefined : nearestHead(above);
}

/** The output of git; empty when git refuses, because `git diff` then reports why. */
async function answer(folder: string, ...words: string[]): Promise<string> {
  return (await outputs(folder, words)).stdout;
}

async function outputs(folder: string, words: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const head = nearestHead(folder);
  if (head !== undefined && pathKind(head) === 'other') throw unreadable(folder, `${head} is not a file`); // git would wait for a FIFO
  const options = { cwd: folder, maxBuffer: 2 ** 28, env: inEnglish() };
  return promisify(execFile)('git', words, options).catch(({ stderr = '' }) => ({ stdout: '', stderr }));
}

/** An environment with English messages, which `refusal` matches. */
function inEnglish(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' };
}
