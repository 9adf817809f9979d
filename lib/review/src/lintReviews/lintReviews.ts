/** The review data that need no download: ESLint's messages about the packages installed here. */
import path from 'node:path';
import { AbortedError, StateError } from 'lowrank';
import { checkKnown, checkWhole, sha256 } from 'lowrank/internal';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import { keepSplits, readSplits } from './cachedSplits';
import { type HunkOptions, lintFile } from './lintFile';
import { listedPackages } from './packageList';
import { type InstalledPackage, installedPackages, packageSources, type SourceFile, textHash } from './packageSources';
import { splitByPackage } from './splitByPackage';

/** Contents and location of the lint data set. */
export interface LintReviewOptions {
  /** Folder for the cached data set; a `lint-packages.json` there names the packages to read. @defaultValue `data` beside `node_modules` */
  readonly cacheDir?: string;
  /** The installed packages to read. @defaultValue the folder that contains this library's ESLint */
  readonly nodeModules?: string;
  /** @defaultValue 1 */
  readonly seed?: number;
  /** Maximum findings per rule in the training part; validation and test get a tenth of it. @defaultValue 300 */
  readonly maxPerRule?: number;
  /** Maximum files per package. @defaultValue 60 */
  readonly maxFilesPerPackage?: number;
  /** Unchanged lines on each side of the added ones. @defaultValue 3, as in git */
  readonly contextLines?: number;
  /** Maximum patch length in characters. @defaultValue 800 */
  readonly maxCharacters?: number;
  /** Called after each package while the data set is made; not called when it is read from the cache. */
  readonly onProgress?: (progress: LintProgress) => void;
  readonly signal?: AbortSignal;
}

/** Progress of making the data set. */
export interface LintProgress {
  readonly packagesDone: number;
  readonly packages: number;
  readonly examples: number;
}

type Settings = Required<Pick<LintReviewOptions, 'seed' | 'maxPerRule' | 'maxFilesPerPackage' | 'contextLines' | 'maxCharacters'>>;

export const LINT_OPTIONS = [
  'cacheDir',
  'nodeModules',
  'seed',
  'maxPerRule',
  'maxFilesPerPackage',
  'contextLines',
  'maxCharacters',
  'onProgress',
  'signal',
] as const;

const formatVersion = 2; // increased whenever the same packages and settings would yield other examples or another file format

/**
 * Code reviews made on this machine: ESLint's core rules read the JavaScript of the installed packages. The message of a finding is the
 * review comment, its autofix is the refined code, and code without a finding needs no review.
 *
 * The first call takes about 20 s; later calls read `cacheDir`. A cache that is damaged or cannot be written causes a warning. The same
 * packages, settings and seed yield the same examples on every machine. `data/README.md` describes the data set.
 *
 * @throws ArgumentError when a limit is not a whole number from 1 up (from 0 up for `contextLines`).
 * @throws StateError when `nodeModules` has no JavaScript to read, or lacks a package that `lint-packages.json` names.
 * @throws AbortedError when `signal` is aborted.
 */
export async function lintReviews(options: LintReviewOptions = {}): Promise<ReviewSplits> {
  checkKnown('lintReviews', options, LINT_OPTIONS);
  const nodeModules = options.nodeModules ?? path.dirname(path.dirname(require.resolve('eslint/package.json')));
  const { cacheDir = path.join(path.dirname(nodeModules), 'data') } = options;
  const settings = checkedSettings(options);
  const packages = listedPackages(cacheDir, await installedPackages(nodeModules));
  const folder = path.join(cacheDir, `lint-reviews-${cacheKey(packages, settings)}`);
  const kept = await readSplits(folder);
  if (kept) return kept;
  const made = await makeSplits(packages, settings, nodeModules, options);
  await keepSplits(folder, made);
  return made;
}

async function makeSplits(
  packages: readonly InstalledPackage[],
  settings: Settings,
  nodeModules: string,
  { onProgress, signal }: LintReviewOptions,
): Promise<ReviewSplits> {
  const { Linter } = await import('eslint');
  const linter = new Linter({ configType: 'flat' });
  const examples: ReviewExample[] = [];
  const known = new Set<string>(); // reads a file that several packages contain only once
  for (const [index, owner] of packages.entries()) {
    for (const file of chosenFiles(await packageSources(owner), settings)) {
      if (signal?.aborted) throw new AbortedError(`the lint data set was stopped at ${owner.name}; nothing was saved`);
      if (known.has(file.text)) continue;
      known.add(file.text);
      const { findings, clean } = lintFile(linter, file, settings satisfies HunkOptions);
      examples.push(...findings, ...clean);
      await new Promise(setImmediate); // lets a display update and the signal arrive
    }
    onProgress?.({ packagesDone: index + 1, packages: packages.length, examples: examples.length });
  }
  if (examples.length === 0) throw new StateError(`no JavaScript to review in ${nodeModules}: install packages there first`);
  return splitByPackage(examples, settings);
}

/** At most `maxFilesPerPackage` files, drawn by name, in the order of their paths. */
function chosenFiles(files: readonly SourceFile[], { seed, maxFilesPerPackage }: Settings): SourceFile[] {
  const rank = (file: SourceFile) => textHash(`${seed}\n${file.package.name}/${file.path}`);
  const ranks = files.map(rank).sort((a, b) => a - b);
  const limit = ranks[maxFilesPerPackage - 1] ?? Number.POSITIVE_INFINITY;
  return files.filter((file) => rank(file) <= limit);
}

function checkedSettings(options: LintReviewOptions): Settings {
  const { seed = 1, maxPerRule = 300, maxFilesPerPackage = 60, contextLines = 3, maxCharacters = 800 } = options;
  checkWhole('seed', seed, 0);
  checkWhole('maxPerRule', maxPerRule);
  checkWhole('maxFilesPerPackage', maxFilesPerPackage);
  checkWhole('contextLines', contextLines, 0);
  checkWhole('maxCharacters', maxCharacters);
  return { seed, maxPerRule, maxFilesPerPackage, contextLines, maxCharacters };
}

/** Hashes ESLint's version and the installed ones, which work like a lock file, even where this library is a dependency of another project. */
function cacheKey(packages: readonly InstalledPackage[], settings: Settings): string {
  const versions = packages.map(({ name, version }) => `${name}@${version}`);
  const { version: eslint } = require('eslint/package.json') as { version: string };
  return sha256(JSON.stringify({ formatVersion, eslint, settings, versions })).slice(0, 12);
}
