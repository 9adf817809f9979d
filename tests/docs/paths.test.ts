import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' }).split('\n');
/** Without the site's own pages, whose links `make site` checks where they lie then, beside the notebooks. */
const pages = files.filter((path) => existsSync(path) && path.endsWith('.md') && !/^(tests\/golden|docs\/site)\//.test(path));
const names = new Set(files.filter((path) => existsSync(path)).map((path) => basename(path)));

/** Where a page's paths may begin. */
const ROOTS = ['.', 'lib/lowrank/src', 'tests'];

/** What commands write, and git does not have. */
const WRITTEN = new Set(['experiments/results/reviewer-short.json']);

/** A page without its fenced blocks, which hold commands of any folder. */
const textOf = (page: string) => readFileSync(page, 'utf8').replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');

/** What of the words in backticks is meant as a file or folder of this repository: it begins with one of its folders, or is called `x.ts`. */
function isMissing(word: string, page: string): boolean {
  if (WRITTEN.has(word) || word.startsWith('/')) return false;
  const roots = [...ROOTS, dirname(page)];
  const [first = ''] = word.split('/');
  if (word.includes('/')) return roots.some((root) => isFolder(join(root, first))) && !roots.some((root) => existsSync(join(root, word)));
  return /^[\w.]+\.(ts|mts|sh|cc)$/.test(word) && !names.has(word);
}

/** Folders that git has; what set-up and the tests write is not checked. */
const isFolder = (path: string) => files.some((file) => file.startsWith(`${path}/`));

test('every file that a page names in backticks is in the repository', () => {
  const words = pages.flatMap((page) => [...textOf(page).matchAll(/`([\w@./-]+)`/g)].map(([, word = '']) => ({ page, word })));
  expect(words.length).toBeGreaterThan(100);
  expect(words.filter(({ page, word }) => isMissing(word, page))).toEqual([]);
});

test('every relative link of a page leads to a file of the repository', () => {
  const links = pages.flatMap((page) =>
    [...textOf(page).matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => ({ page, target: decodeURI(target) })),
  );
  const relative = links.filter(({ target }) => !/^[a-z]+:/.test(target));
  expect(relative.length).toBeGreaterThan(20);
  expect(relative.filter(({ page, target }) => !existsSync(join(dirname(page), target)))).toEqual([]);
});
