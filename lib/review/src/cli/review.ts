/** `lowrank review`: a diff in, reviews out. */
import { type CommandArguments, openModel, ProgressLine, printableMessage, type Streams, UsageError, version } from 'lowrank/internal';
import { type DiffHunk, diffHunks, diffTextLines, type Review, type ReviewTask, reviewDiff, type TaskModels } from '../index';
import { generatedFiles, gitDiff, givenDiff, isBeforeFirstCommit, untrackedFiles } from './gitDiff';
import { jsonReport, type ReviewedDiff, sarifReport, textReport, textSummary } from './reports';
import { ReviewMeter } from './reviewMeter';
import { TaskAdapters, tasksOf } from './tasks';
import { unseenLanguages } from './unseenLanguages';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const format = args.choice('format', ['text', 'json', 'sarif']) ?? 'text';
  const failsOnReview = args.choice('fail-on', ['review', 'none']) === 'review';
  if (args.argument !== undefined && args.text('base') !== undefined) throw new UsageError('--base is for git, not for a given diff');
  const adapters = args.text('adapter');
  const tasks = adapters === undefined ? [] : tasksOf(adapters);
  const options = {
    threshold: args.number('threshold', { least: 0, most: 1 }),
    maxLength: args.whole('max-length') ?? 1024,
    batchSize: args.whole('batch-size'),
    generation: { numBeams: args.whole('beams') },
  };
  const bytes = args.argument === undefined ? gitDiff(args.text('base')) : givenDiff(args.argument, streams.stdin);
  const counter = new HunkCounter(args.whole('max-hunks') ?? 200);
  const isGit = args.argument === undefined;
  const generated = isGit ? await generatedFiles(args.text('base')) : new Set<string>();
  const pattern = args.text('exclude');
  const excluded = pattern === undefined ? undefined : pathPattern(pattern);
  const exclude = (file: string) => {
    if (generated.has(file)) return 'generated, says .gitattributes';
    return excluded?.test(file) ? 'left out by --exclude' : undefined;
  };
  const onSkip = (file: string, reason: string) => counter.skip(file, reason);
  const hunks: DiffHunk[] = [];
  for await (const hunk of counter.counted(diffHunks(diffTextLines(bytes), { exclude, onSkip }))) hunks.push(hunk);

  if (isGit && (await isBeforeFirstCommit()))
    streams.stderr.write('lowrank review: there is no commit yet; all staged files count as changed\n');
  if (isGit) for (const file of await untrackedFiles()) counter.skip(file, 'untracked (`git add -N` puts it into the diff)');
  const reviews: Review[] = [];
  if (hunks.length > 0 && adapters === undefined && !args.isOn('untuned')) {
    for (const { file, reason } of counter.skipped) streams.stderr.write(`${printableMessage(file)}: ${reason}, not reviewed\n`);
    throw new UsageError(
      'there are no adapters to review with; train one by `lowrank train --task comment --output adapters` and give `--adapter adapters`, or see by --untuned what the model writes without',
    );
  }
  if (hunks.length > 0) {
    const { model, tokenizer } = await openModel(args, streams); // an empty diff needs none
    try {
      if (adapters === undefined)
        streams.stderr.write('lowrank review: this is what the untuned model writes, no review; it suggests no code\n');
      const models: TaskModels =
        adapters === undefined ? (task) => (task === 'comment' ? model : undefined) : taskModels(new TaskAdapters(model, adapters, tasks));
      for (const warning of adapters === undefined ? [] : unseenLanguages(hunks, adapters, tasks))
        streams.stderr.write(`lowrank review: ${printableMessage(warning)}\n`);
      const progress = new ProgressLine(args, streams.stderr);
      const meter = new ReviewMeter(hunks.length, adapters === undefined ? ['comment'] : tasks);
      const onProgress = (count: number) => {
        meter.finished(count);
        progress.clear();
      };
      const onAnswers = (task: ReviewTask, done: number, count: number) => progress.show(meter.answered(task, done, count));
      const told = { onProgress, onAnswers };
      const onDecline = ({ file, line }: DiffHunk, reason: string) => counter.skip(file, `line ${line}: ${reason}`);
      for await (const review of reviewDiff(models, tokenizer, hunks, { ...options, ...told, onDecline })) {
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

/** A path with `*`, `?` and `**`; without a `/`, a name in any folder. */
function pathPattern(pattern: string): RegExp {
  const source = pattern.split(/(\*\*\/?|\*|\?)/).map((part) => wildcards[part] ?? part.replace(/[.+^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pattern.includes('/') ? '' : '(?:.*/)?'}${source.join('')}$`, 's');
}

const wildcards: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };

function taskModels(adapters: TaskAdapters): TaskModels {
  return (task) => adapters.use(task);
}

/** Counts what passes, and notes what does not. */
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
        return this.skip(hunk.file, `this hunk at line ${hunk.line} and all after it are beyond --max-hunks ${this.limit}`);
      }
      this.hunks++;
      yield hunk;
    }
  }
}
