/** `lowrank review`: reviews a diff. */

import nodePath from 'node:path';
import {
  type CommandArguments,
  defaultModelPath,
  openModel,
  ProgressLine,
  printable,
  printableMessage,
  type Streams,
  UsageError,
  version,
} from 'lowrank/internal';
import picomatch from 'picomatch';
import { type DiffHunk, diffHunks, diffTextLines, type HunkReview, type ReviewTask, reviewDiff, type TaskModels } from '../index';
import { trainedThreshold } from '../trainingDataFile';
import { conflictingFiles, generatedFiles, gitDiff, givenDiff, unbornBranch, untrackedFiles } from './gitDiff';
import { hasOwnAdapters, ownAdapters } from './ownAdapters';
import { jsonReport, type ReviewedDiff, sarifReport, skippedFiles, textReport, textSummary } from './reports';
import { ReviewMeter } from './reviewMeter';
import { adapterFolder, languageLabelOf, TaskAdapters, tasksOf } from './tasks';
import { unseenLanguages } from './unseenLanguages';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const format = args.choice('format', ['text', 'json', 'sarif']) ?? 'text';
  const failsOnReview = args.choice('fail-on', ['review', 'none']) === 'review';
  if (args.argument !== undefined && args.text('base') !== undefined)
    throw new UsageError('--base needs git; leave it out when you pass a diff');
  const given = args.text('adapter');
  const givenTasks = given === undefined ? undefined : tasksOf(given); // reports a wrong folder before anything else
  const chosenThreshold = args.number('threshold', { least: 0, most: 1 });
  const options = {
    maxLength: args.whole('max-length') ?? 1024,
    batchSize: args.whole('batch-size'),
    generation: { numBeams: args.whole('beams') },
  };
  const counter = new HunkCounter(args.whole('max-hunks') ?? 200);
  const hunks = await readHunks(args, streams, counter);
  const reviews: HunkReview[] = [];
  const adapters = given ?? (hunks.length > 0 ? bundledAdapters(args, streams) : undefined);
  const tasks = givenTasks ?? (adapters === undefined ? [] : tasksOf(adapters));
  if (chosenThreshold !== undefined && hunks.length > 0 && !tasks.includes('necessity'))
    throw new UsageError('--threshold does nothing without an adapter for necessity');
  const necessity = adapters === undefined ? undefined : nodePath.join(adapters, 'necessity');
  const threshold = chosenThreshold ?? (necessity === undefined ? undefined : trainedThreshold(necessity));
  const languageLabel = adapters !== undefined && hunks.length > 0 && languageLabelOf(tasks.map((task) => nodePath.join(adapters, task)));
  if (hunks.length > 0 && adapters === undefined && !args.isOn('untuned')) {
    streams.stderr.write(skippedFiles(counter.skipped));
    throw new UsageError(
      'no adapters for this model; train one with `lowrank train --task comment --output adapters` and pass `--adapter adapters`, or pass --untuned to see the output of the model without adapters',
    );
  }
  if (hunks.length > 0) {
    const [first] = tasks;
    const folder = adapters === undefined || first === undefined ? undefined : adapterFolder(adapters, first);
    const { model, tokenizer } = await openModel(args, streams, folder); // an empty diff needs no model
    try {
      if (adapters === undefined)
        streams.stderr.write('lowrank review: this is the output of the untuned model, not a review; it suggests no code\n');
      const trained = adapters === undefined ? undefined : new TaskAdapters(model, adapters, tasks);
      const models: TaskModels = (task) => (trained ? trained.use(task) : task === 'comment' ? model : undefined);
      for (const warning of adapters === undefined ? [] : unseenLanguages(hunks, adapters, tasks))
        streams.stderr.write(`lowrank review: ${printableMessage(warning)}\n`);
      const progress = new ProgressLine(args, streams.stderr);
      const meter = new ReviewMeter(hunks.length, adapters === undefined ? ['comment'] : tasks);
      const onProgress = (count: number) => {
        meter.finished(count);
        progress.clear();
      };
      const onAnswers = (task: ReviewTask, done: number, count: number) => progress.show(meter.answered(task, done, count));
      const onCut = ({ file, line }: DiffHunk) =>
        counter.skip(file, `the end of the hunk at line ${line}, which exceeds --max-length ${options.maxLength}`);
      const told = { onProgress, onAnswers, onCut };
      const onDecline = ({ file, line }: DiffHunk, reason: string) => counter.skip(file, `line ${line}: ${reason}`);
      for await (const review of reviewDiff(models, tokenizer, hunks, { ...options, threshold, languageLabel, ...told, onDecline })) {
        reviews.push(review);
        if (format === 'text') streams.stdout.write(textReport(review));
      }
    } finally {
      model.dispose();
    }
  }
  const diff: ReviewedDiff = { hunks: counter.hunks, skipped: counter.skipped, version: version() };
  if (format === 'text') streams.stdout.write(textSummary(reviews.length, diff));
  else streams.stdout.write(format === 'json' ? jsonReport(reviews, diff) : sarifReport(reviews, diff));
  return failsOnReview && reviews.length > 0 ? 1 : 0;
}

/** The hunks to review: those of a diff that is given, or of the changes that git finds. The counter gets what is skipped. */
async function readHunks(args: CommandArguments, { stdin, stderr }: Streams, counter: HunkCounter): Promise<DiffHunk[]> {
  const pattern = args.text('exclude');
  const excluded = pattern === undefined ? undefined : pathPattern(pattern);
  const folders = { matched: new Set<string>(), withMatch: new Set<string>() }; // by the pattern, and with a file that it matches
  const base = args.text('base');
  const isGit = args.argument === undefined;
  const bytes = args.argument === undefined ? gitDiff(base) : givenDiff(args.argument, stdin);
  const generated = isGit ? await generatedFiles(base) : new Set<string>();
  const conflicting = isGit ? await conflictingFiles() : new Set<string>();
  const exclude = (file: string) => {
    if (conflicting.has(file)) return 'in conflict: resolve it and `git add` the file';
    if (generated.has(file)) return 'marked as generated by .gitattributes';
    const isExcluded = excluded?.(file);
    for (const folder of foldersOf(file))
      if (isExcluded) folders.withMatch.add(folder);
      else if (excluded?.(folder) || excluded?.(`${folder}/`)) folders.matched.add(folder);
    return isExcluded ? 'excluded by --exclude' : undefined;
  };
  const onSkip = (file: string, reason: string) => counter.skip(file, reason);
  const hunks: DiffHunk[] = [];
  for await (const hunk of counter.counted(diffHunks(diffTextLines(bytes), { exclude, onSkip }))) hunks.push(hunk);
  const folder = [...folders.matched].find((each) => !folders.withMatch.has(each));
  // A pattern that ends in /* leaves the folders within out on purpose.
  if (folder !== undefined && !pattern?.endsWith('/*'))
    stderr.write(
      `${printableMessage(`lowrank review: --exclude ${pattern} matches the folder ${folder}, and no file in it: write '${folder}/**'`)}\n`,
    );
  if (!isGit) return hunks;
  const unborn = await unbornBranch();
  if (unborn !== undefined)
    stderr.write(`lowrank review: the branch ${printable(unborn)} has no commit yet; all staged files count as changed\n`);
  for (const file of await untrackedFiles()) counter.skip(file, 'untracked (`git add -N` adds it to the diff)');
  return hunks;
}

/** The folders above a file, from the outermost. */
function foldersOf(file: string): string[] {
  return [...file.matchAll(/\/(?=[^/])/g)].map(({ index }) => file.slice(0, index)).filter(Boolean);
}

/** The adapters that come with this package, if they belong to this model. */
function bundledAdapters(args: CommandArguments, { stderr }: Streams): string | undefined {
  if (args.isOn('untuned') || !hasOwnAdapters(args.text('model') ?? defaultModelPath())) return undefined;
  if (!args.isOn('quiet'))
    stderr.write('adapters: those of this package; they imitate ESLint on JavaScript (choose others with --adapter)\n');
  return ownAdapters;
}

/**
 * Whether a path fits a glob: without a slash, by its last part; `.` files as any other.
 *
 * @throws UsageError when the pattern is longer than anything that a file could be called.
 */
function pathPattern(pattern: string): (path: string) => boolean {
  if (pattern.length > LONGEST_PATTERN)
    throw new UsageError(`--exclude has ${pattern.length} characters; at most ${LONGEST_PATTERN} are read`);
  return picomatch(pattern, { dot: true, basename: !pattern.includes('/'), nonegate: true, maxLength: LONGEST_PATTERN });
}

const LONGEST_PATTERN = 4096;

/** Counts the hunks to review and records the skipped ones. */
class HunkCounter {
  hunks = 0;
  readonly skipped: { readonly file: string; readonly reason: string }[] = [];

  constructor(private readonly limit: number) {}

  skip(file: string, reason: string): void {
    this.skipped.push({ file, reason });
  }

  async *counted(hunks: AsyncIterable<DiffHunk>): AsyncGenerator<DiffHunk> {
    for await (const hunk of hunks) {
      if (this.hunks === this.limit) {
        return this.skip(hunk.file, `the hunk at line ${hunk.line} and all later hunks exceed --max-hunks ${this.limit}`);
      }
      this.hunks++;
      yield hunk;
    }
  }
}
