/** The adapters that come with this package. */
import nodePath from 'node:path';

/** One folder per task. */
export const ownAdapters = nodePath.join(__dirname, '../../adapters');

/** The file name of the model that they belong to. */
const BASE = /^SmolLM2-135M-Instruct\b/i;

/** Whether they fit a model: it is the one that they were trained on, whatever its number format. */
export function hasOwnAdapters(modelPath: string): boolean {
  return BASE.test(nodePath.basename(modelPath));
}
