/** `lowrank eval`: measures the scores of a task on held-out data. */

import { PeftModel } from 'lowrank';
import {
  type CommandArguments,
  checkModel,
  joinedCluster,
  manyWorkers,
  openModel,
  ProgressLine,
  printable,
  printableJson,
  type Streams,
  UsageError,
} from 'lowrank/internal';
import { drawExamples, predictReviews, scoreReviews, scoreReviewsByLanguage } from '../index';
import { trainedThreshold } from '../trainingDataFile';
import { reviewData } from './reviewData';
import { adapterFolder, languageLabelOf, taskOf } from './tasks';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  const task = taskOf(args);
  if (task === 'necessity' && args.text('beams') !== undefined)
    throw new UsageError('--beams does nothing for necessity, whose answer is one probability: leave it out');
  checkModel(args);
  const directory = args.text('adapter');
  const folder = directory === undefined ? undefined : adapterFolder(directory, task);
  if (directory !== undefined && folder === undefined) throw new UsageError(`--adapter ${directory} contains no adapter for ${task}`);
  const recorded = folder === undefined ? undefined : trainedThreshold(folder);
  const threshold = task === 'necessity' ? (recorded ?? 0.5) : undefined;
  const launched = await manyWorkers(args, streams, { command: 'eval' });
  if (launched !== undefined) return launched;
  const cluster = await joinedCluster(args, streams);
  const options = {
    cluster,
    threshold,
    languageLabel: folder !== undefined && languageLabelOf([folder], { warns: cluster?.isFirst !== false }),
    maxLength: args.whole('max-length') ?? 1024,
    batchSize: args.whole('batch-size'),
    generation: { numBeams: args.whole('beams') },
  };
  const count = args.whole('examples') ?? 200;
  const { test } = await reviewData(args, streams, { task });
  const examples = drawExamples(task, test, count);
  const { model, tokenizer } = await openModel(args, streams, folder);
  try {
    const reviewer = folder === undefined ? model : await PeftModel.fromPretrained(model, folder);
    const progress = new ProgressLine(args, stderr);
    const onProgress = (done: number) => progress.count(task, { done, total: examples.length });
    const predictions = await predictReviews(reviewer, tokenizer, task, examples, { ...options, onProgress });
    progress.clear();
    if (cluster?.isFirst === false) return 0; // worker 0 writes for all
    const scores = scoreReviews(task, predictions).map((score) => ({ language: 'all', ...score }));
    const rows = args.isOn('by-language') ? [...scores, ...scoreReviewsByLanguage(task, predictions)] : scores;
    if (args.isOn('json')) stdout.write(`${printableJson({ task, threshold, scores: rows })}\n`);
    else {
      const origin = recorded === undefined ? 'the default' : 'recorded with the adapter';
      if (threshold !== undefined) stdout.write(`threshold ${threshold} (${origin})\n`);
      for (const { language, metric, value, low, high, examples: n } of rows) {
        stdout.write(
          `${printable(language).padEnd(12)} ${metric.padEnd(18)} ${value.toFixed(2)}  [${low.toFixed(2)}, ${high.toFixed(2)}]  ${n} examples\n`,
        );
      }
    }
    return 0;
  } finally {
    model.dispose();
  }
}
