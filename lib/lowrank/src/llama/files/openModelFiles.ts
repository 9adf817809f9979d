/** Opens the model at a path, in any supported format. */

import { openGgufModel } from './ggufModelFile';
import { openFolderModel } from './huggingFaceFolder';
import { modelPlace } from './modelPlace';
import type { ModelFiles } from './modelSource';

/**
 * Opens a Hugging Face folder or a GGUF file. Reads no tensor yet.
 *
 * @throws FormatError when `path` has neither, or it is malformed; UnsupportedError for another architecture.
 */
export async function openModelFiles(path: string): Promise<ModelFiles> {
  const place = modelPlace(path);
  return place.isFolder ? openFolderModel(place.path) : openGgufModel(place.path);
}
