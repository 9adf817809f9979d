/** `lowrank merge`: folds an adapter into the weights of its model. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { PeftModel } from '../../peft';
import { checkAdapterFolder } from '../../peft/files/openAdapterFolder';
import type { CommandArguments } from '../arguments/commandArguments';
import { isAdapter, openModel } from '../openModel';
import { ProgressLine } from '../progressLine';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const [folder, output] = [args.required('adapter'), args.required('output')];
  if (fs.existsSync(nodePath.join(output, 'config.json')) && !args.isOn('force'))
    throw new UsageError(`${output} already contains a model: pass --force to replace it, or choose another --output`);
  if (isAdapter(output))
    throw new UsageError(
      `--output ${output} holds an adapter, which transformers would put onto the merged model again: choose another folder`,
    );
  checkAdapterFolder(folder);
  const { model, tokenizer } = await openModel(args, streams, folder);
  try {
    const progress = new ProgressLine(args, streams.stderr);
    const onMerged = (done: number, total: number) => progress.count('merging', { done, total });
    const onWritten = (done: number, total: number) => progress.count('writing', { done, total, as: 'percent' });
    const merged = (await PeftModel.fromPretrained(model, folder)).mergeAndUnload({ safeMerge: true, onProgress: onMerged });
    merged.savePretrained(output, { onProgress: onWritten });
    tokenizer.savePretrained(output);
    progress.clear();
    streams.stdout.write(`written to ${output}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}
