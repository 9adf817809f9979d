/** `lowrank experiment`: compares methods on the three tasks and writes one results file. */

import os from 'node:os';
import nodePath from 'node:path';
import { gzipSync } from 'node:zlib';
import { AbortedError, terminalProgress } from 'lowrank';
import {
  type CommandArguments,
  checkModel,
  checkWorkers,
  endWithLauncher,
  makeFolder,
  openModel,
  printable,
  type Streams,
  sha256,
  stageFile,
  storingIn,
  UsageError,
  version,
} from 'lowrank/internal';
import { cellName } from '../experiment/cellPlan';
import { type ExperimentConfig, readExperimentConfig } from '../experiment/experimentConfig';
import { type PlainTexts, plainTexts } from '../experiment/plainTexts';
import type { ExperimentOutcome, ExperimentWork } from '../experiment/plannedExperiment';
import { collectExperiment, runCells } from '../experiment/runExperiment';
import type { ReviewSplits } from '../reviewExample';
import { readSealed, writeSealed } from '../sealedFile';
import { runWorkers } from './experimentWorkers';
import { reviewData } from './reviewData';
import { dataPath } from './tasks';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  if (args.argument === undefined) throw new UsageError('the configuration FILE is missing');
  endWithLauncher();
  const config = readExperimentConfig(args.argument, args.text('form') ?? 'short');
  const output = args.required('output');
  checkModel(args);
  const folder = args.text('work') ?? nodePath.join('build', 'experiment');
  const workers = args.whole('workers') ?? 1;
  checkWorkers(workers, os.availableParallelism());
  const minutes = args.number('minutes', { least: 0.01 });
  const idle = args.isOn('collect') && (minutes !== undefined ? '--minutes' : workers > 1 && '--workers');
  if (idle) throw new UsageError(`--collect runs nothing, so ${idle} has no effect; leave one of them out`);
  const data = dataPath(args);
  const splits = await reviewData(args, streams);
  const texts = await keptTexts(folder, splits);
  const failure = workers > 1 ? await runWorkers(workers, streams) : undefined;
  const { model, tokenizer, path } = await openModel(args, streams);
  const siblings = args.whole('worker');
  const isWorker = siblings !== undefined;
  const work: ExperimentWork = {
    model,
    modelName: nodePath.basename(path),
    tokenizer,
    splits,
    texts,
    dataName: data === undefined ? 'lint reviews' : nodePath.basename(data),
    version: version(),
    workers: siblings ?? workers,
    folder,
    ...(minutes !== undefined && { signal: AbortSignal.timeout(Math.round(60_000 * minutes)) }),
    onCell: (plan, done, count) => {
      if (args.isOn('quiet')) return undefined;
      streams.stderr.write(`${done}/${count} done; ${printable(cellName(plan))}\n`);
      return isWorker ? undefined : terminalProgress(streams.stderr);
    },
  };
  try {
    if (!args.isOn('collect') && workers === 1) await untilLimit(config, work);
    if (isWorker) return 0;
    const outcome = collectExperiment(config, work);
    store(output, outcome);
    const { notRun } = outcome.results;
    if (notRun.length > 0) streams.stderr.write(`${notRun.length} runs are missing; the same command continues with them\n`);
    streams.stdout.write(`written to ${printable(output)}\n`);
    if (failure !== undefined) streams.stderr.write(`${failure}\n`);
    return failure === undefined ? 0 : 2;
  } finally {
    model.dispose();
  }
}

/** Runs all cells, or as many as the time allows. */
async function untilLimit(config: ExperimentConfig, work: ExperimentWork): Promise<void> {
  try {
    await runCells(config, work);
  } catch (error) {
    if (!(error instanceof AbortedError && work.signal?.aborted)) throw error;
  }
}

/** The plain texts, drawn at the first start and kept: every later start, on any machine, measures with the same ones. */
async function keptTexts(folder: string, { train }: ReviewSplits): Promise<PlainTexts> {
  const path = nodePath.join(folder, 'texts.json');
  const kept = readSealed(path, 'remove it to draw the texts again; where they differ, every cell runs again');
  if (kept) return kept as unknown as PlainTexts;
  const nodeModules = nodePath.dirname(nodePath.dirname(require.resolve('eslint/package.json')));
  const dataFolder = nodePath.join(nodePath.dirname(nodeModules), 'data');
  const trainedOn = new Set(train.flatMap(({ origin }) => origin?.package ?? []));
  const texts = await plainTexts({ nodeModules, dataFolder, trainedOn });
  writeSealed(path, 'texts', { ...texts });
  return texts;
}

function store(output: string, { results, answers }: ExperimentOutcome): void {
  const folder = nodePath.dirname(nodePath.resolve(output));
  const file = `${nodePath.basename(output, '.json')}.answers.jsonl.gz`;
  storingIn(folder, 'results', () => {
    makeFolder(folder);
    // Both are on the disk before either replaces an older one, whose other half would otherwise be lost on a full disk.
    const staged = stageFile(nodePath.join(folder, file), (append) => append(gzipSync(answers, { level: 9 })));
    try {
      const text = `${JSON.stringify({ ...results, answers: { file, sha256: sha256(answers) } }, null, 1)}\n`;
      stageFile(output, (append) => append(new TextEncoder().encode(text))).commit();
    } catch (error) {
      staged.discard();
      throw error;
    }
    staged.commit();
  });
}
