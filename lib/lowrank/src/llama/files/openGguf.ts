/** A GGUF file that holds a whole model. */
import { type GgufFile, readGguf } from '../../io';
import { checkGgufPart } from './modelPlace';

/**
 * Opens a GGUF file. A part of a split one is told by its metadata too, for it may have been renamed.
 *
 * @throws what `readGguf` throws; UnsupportedError for one part of several.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const file = await readGguf(path);
  checkGgufPart(path, Number(file.metadata.get('split.no') ?? 0) + 1, Number(file.metadata.get('split.count') ?? 1));
  return file;
}
