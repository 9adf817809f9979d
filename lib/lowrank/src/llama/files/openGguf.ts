/** Opens a GGUF file, and refuses one part of a split model. */
import { type GgufFile, readGguf } from '../../io';
import { checkGgufPart } from './modelPlace';

/**
 * Opens a GGUF file. Its metadata also identifies a part of a split model, whose file may have been renamed.
 *
 * @throws as `readGguf`; UnsupportedError for one part of several.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const file = await readGguf(path);
  checkGgufPart(path, Number(file.metadata.get('split.no') ?? 0) + 1, Number(file.metadata.get('split.count') ?? 1));
  return file;
}
