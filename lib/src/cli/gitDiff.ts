/** The diff to review: from git, a file or stdin. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { reasonOf } from '../runtime/reasonOf';
import { UsageError } from './usageError';

/** So that the user's settings of git change nothing: no colours, no tools of their own, the usual prefixes, renames found. */
const plain = ['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--src-prefix=a/', '--dst-prefix=b/', '-U3', '-M'];

/**
 * What git finds changed, as it comes: since the common ancestor with `base`, or not yet committed.
 *
 * @throws UsageError when git is missing or refuses, with its own words.
 */
export async function* gitDiff(base: string | undefined, folder = process.cwd()): AsyncGenerator<Buffer> {
  if (base?.startsWith('-')) throw new UsageError(`--base ${base} is no commit`);
  const since = base === undefined ? ['HEAD'] : ['--merge-base', base];
  const git = spawn('git', ['diff', ...plain, ...since, '--'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(git, 'close') as Promise<[number | null]>;
  ended.catch(() => {}); // met below, also when nobody reads to the end
  let words = '';
  git.stderr.on('data', (chunk: Buffer) => {
    if (words.length < 2000) words += chunk.toString();
  });
  try {
    yield* git.stdout as AsyncIterable<Buffer>;
    const [code] = await ended.catch((cause: Error) => {
      throw new UsageError(`git cannot be run (${cause.message}); pipe a diff in, with - as the argument`);
    });
    if (code === 0) return;
    if (/--no-index|not a git repository/i.test(words)) {
      throw new UsageError(`${folder} is in no git repository; run it in one, or pipe a diff in, with - as the argument`);
    }
    throw new UsageError(`git diff says: ${words.trim().split('\n')[0] ?? `exit code ${code}`}`);
  } finally {
    git.kill();
  }
}

/** A diff in a file; `-` is stdin. @throws UsageError when it cannot be read. */
export async function* givenDiff(name: string, stdin: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of name === '-' ? stdin : fs.createReadStream(name)) yield Buffer.from(chunk);
  } catch (cause) {
    throw new UsageError(`${name} cannot be read (${reasonOf(cause)})`);
  }
}
