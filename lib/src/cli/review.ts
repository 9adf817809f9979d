/** `lowrank review`: a diff in, reviews out. */
import { type DiffHunk, diffHunks, diffTextLines, type Review, type ReviewTask, reviewDiff, type TaskModels } from '../review';
import type { CommandArguments } from './commandArguments';
import { gitDiff, givenDiff } from './gitDiff';
import { openModel, TaskAdapters, tasksOf } from './openModel';
import { ProgressLine } from './progressLine';
import { jsonReport, type ReviewedDiff, sarifReport, textReport, textSummary } from './reports';
import type { Streams } from './streams';
import { UsageError } from './usageError';
import { version } from './version';

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
  const hunks = counter.counted(diffHunks(diffTextLines(bytes), { onSkip: (file, reason) => counter.skip(file, reason) }));

  const first = await hunks.next(); // an empty diff needs no model
  const reviews: Review[] = [];
  if (!first.done) {
    const { model, tokenizer } = await openModel(args);
    try {
      if (adapters === undefined)
        streams.stderr.write('lowrank review: without --adapter the untuned model is asked; expect little of it\n');
      const models: TaskModels = adapters === undefined ? () => model : taskModels(new TaskAdapters(model, adapters, tasks));
      const progress = new ProgressLine(args, streams.stderr);
      let done = '';
      const onProgress = (count: number) => {
        done = `${count} hunks reviewed; `;
        progress.clear();
      };
      const onAnswers = (task: ReviewTask, count: number, of: number) => progress.show(`${done}${task}: ${count} of ${of}`);
      for await (const review of reviewDiff(models, tokenizer, joined(first.value, hunks), { ...options, onProgress, onAnswers })) {
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

async function* joined<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
