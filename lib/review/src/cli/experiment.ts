/** `lowrank experiment`: compares methods on the three tasks and writes one results file. */

import fs from 'node:fs';
import nodePath from 'node:path';
import { terminalProgress } from 'lowrank';
import { type CommandArguments, openModel, type Streams, storingIn, UsageError, version, writeTextAtomic } from 'lowrank/internal';
import { readExperimentConfig } from '../experiment/experimentConfig';
import { collectExperiment, runExperiment } from '../experiment/runExperiment';
import { loadReviewData } from '../readers/loadReviewData';
import { dataPath } from './tasks';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  if (args.argument === undefined) throw new UsageError('the configuration FILE is missing');
  const config = readExperimentConfig(args.argument, args.text('form') ?? 'short');
  const output = args.required('output');
  const data = dataPath(args);
  const splits = await loadReviewData({ path: data });
  const { model, tokenizer, path } = await openModel(args, streams);
  try {
    const run = args.isOn('collect') ? collectExperiment : runExperiment;
    const results = await run(config, {
      model,
      modelName: nodePath.basename(path),
      tokenizer,
      splits,
      dataName: data === undefined ? 'lint reviews' : nodePath.basename(data),
      version: version(),
      folder: args.text('work') ?? nodePath.join('build', 'experiment'),
      onCell: ({ method, task, seed }, index, count, isDone) => {
        if (args.isOn('quiet')) return undefined;
        stderr.write(
          `${index + 1}/${count} ${method?.name ?? 'base'}, ${task}${method ? `, seed ${seed}` : ''}${isDone ? ': done before' : ''}\n`,
        );
        return isDone ? undefined : terminalProgress(stderr);
      },
    });
    storingIn(nodePath.dirname(nodePath.resolve(output)), 'results', () => {
      fs.mkdirSync(nodePath.dirname(nodePath.resolve(output)), { recursive: true });
      writeTextAtomic(output, `${JSON.stringify(results, null, 1)}\n`);
    });
    stdout.write(`written to ${output}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}
