/** The model at a path, in whichever format it is. */

import { openGgufModel } from './ggufModelFile';
import { openFolderModel } from './huggingFaceFolder';
import { modelPlace } from './modelPlace';
import type { ModelFiles } from './modelSource';

/**
 * Opens a Hugging Face folder or a GGUF file; no tensor is read yet.
 *
 * @throws FormatError when there is neither at `path`, or it is malformed; UnsupportedError for another architecture.
 */
export async function openModelFiles(path: string): Promise<ModelFiles> {
  const place = modelPlace(path);
  return place.isFolder ? openFolderModel(place.path) : openGgufModel(place.path);
}
