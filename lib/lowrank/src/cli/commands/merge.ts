/** `lowrank merge`: folds an adapter into the weights of its model. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { namesIn, syncFolder } from '../../io';
import { lockRun } from '../../io/runLock';
import { storingIn } from '../../io/storingIn';
import { isModelFile } from '../../llama/files/savePretrained';
import { isTokenizerFile } from '../../llama/tokenizer/tokenizer';
import { PeftModel } from '../../peft';
import { checkAdapterFolder } from '../../peft/files/openAdapterFolder';
import { printable } from '../../runtime/messages/printable';
import type { CommandArguments } from '../arguments/commandArguments';
import { isAdapter, openModel } from '../openModel';
import { ProgressLine } from '../progressLine';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const [folder, output] = [args.required('adapter'), args.required('output')];
  const checkFree = () => {
    if (fs.existsSync(nodePath.join(output, 'config.json')) && !args.isOn('force'))
      throw new UsageError(`${output} already contains a model: pass --force to replace it, or choose another --output`);
  };
  checkFree();
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
    replaceModel(output, checkFree, (place) => {
      tokenizer.savePretrained(place);
      merged.savePretrained(place, { onProgress: onWritten });
    });
    progress.clear();
    streams.stdout.write(`written to ${printable(output)}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}

const STAGED = '.incomplete-';
const CONFIG = 'config.json';

/**
 * Replaces model and tokenizer of a folder together, with one process at a time. They are written beside the older ones, and until the last
 * rename the folder holds no model rather than parts of two.
 *
 * @throws StorageError when the disk refuses to write them; the older ones are unchanged. StateError while another process writes there.
 */
function replaceModel(output: string, check: () => void, write: (folder: string) => void): void {
  const release = lockRun(output);
  try {
    check();
    storingIn(output, 'model', () => {
      const remove = (names: readonly string[]) => {
        for (const name of names) fs.rmSync(nodePath.join(output, name), { recursive: true, force: true });
      };
      const leftOver = () => namesIn(output).filter((name) => name.startsWith(STAGED));
      remove(leftOver());
      try {
        const staged = fs.mkdtempSync(nodePath.join(output, STAGED));
        write(staged);
        remove([CONFIG, ...namesIn(output).filter((name) => isModelFile(name) || isTokenizerFile(name))]);
        const names = namesIn(staged).filter((name) => name !== CONFIG);
        for (const name of [...names, CONFIG]) fs.renameSync(nodePath.join(staged, name), nodePath.join(output, name));
        syncFolder(output);
      } finally {
        remove(leftOver());
      }
    });
  } finally {
    release();
  }
}
