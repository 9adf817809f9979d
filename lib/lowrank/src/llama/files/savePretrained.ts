/** Writes a model as a Hugging Face folder. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { byteLength, type JsonObject, makeFolder, type NamedTensorToStore, type StagedFile, stageFile, stageSafetensors } from '../../io';
import { storingIn } from '../../io/storingIn';
import { ArgumentError } from '../../runtime';
import { configToJson } from './configJson';
import { type ModelToSave, tensorsToSave } from './tensorsToSave';
import { INDEX, SINGLE, shardFile } from './weightFiles';

/** How to write a model. */
export interface SaveOptions {
  /** Maximum bytes of tensors per file. @defaultValue 5e9, as in Hugging Face */
  readonly maxShardSize?: number;
  /** Called with the number of tensor bytes written and the total. */
  readonly onProgress?: (bytes: number, total: number) => void;
}

const CONFIG = 'config.json';
const GENERATION = 'generation_config.json';
const WEIGHTS = /^model(-\d{5}-of-\d{5})?\.safetensors$/;

/** Whether `savePretrained` writes files of that name. */
export const isModelFile = (name: string): boolean => [CONFIG, GENERATION, INDEX].includes(name) || WEIGHTS.test(name);

/**
 * Writes a model into a folder. All files are first written under temporary names, and only then renamed. During the renames, the index
 * and a changed configuration are missing, so a crash in between leaves a folder that is refused, never a mixture of two models.
 *
 * @throws ArgumentError when `maxShardSize` is out of range; StateError when the model has an adapter; StorageError when the disk
 * refuses.
 */
export function savePretrained(model: ModelToSave, folder: string, options: SaveOptions): void {
  storingIn(folder, 'model', () => writeModel(model, folder, options));
}

function writeModel(model: ModelToSave, folder: string, { maxShardSize = 5e9, onProgress }: SaveOptions): void {
  if (!(maxShardSize > 0)) throw new ArgumentError(`maxShardSize ${maxShardSize} is not above 0 bytes`);
  const tensors = counted(tensorsToSave(model), onProgress);
  const shards = shardsOf(tensors, maxShardSize);
  const isSharded = shards.size > 1;
  const dtype = tensors.some(([, tensor]) => tensor.dtype === 'BF16') ? 'bfloat16' : 'float32';
  const { config, generation } = configToJson(model.config, dtype);
  const path = (name: string) => nodePath.join(folder, name);
  makeFolder(folder);
  const staged: StagedFile[] = [];
  try {
    for (const [name, shard] of shards) staged.push(stageSafetensors(path(name), shard, { metadata: { format: 'pt' } }));
    if (isSharded) staged.push(stageJson(path(INDEX), indexOf(shards)));
    staged.push(stageJson(path(GENERATION), generation), stageJson(path(CONFIG), config));
    const isSameConfig = textOf(path(CONFIG)) === jsonText(config);
    const apart = [INDEX, ...(isSharded ? [SINGLE] : []), ...(isSameConfig ? [] : [CONFIG])];
    for (const name of apart) fs.rmSync(path(name), { force: true });
    for (const file of staged) file.commit();
  } catch (error) {
    for (const file of staged) file.discard();
    throw error;
  }
  const isLeftOver = (name: string) => WEIGHTS.test(name) && !shards.has(name);
  for (const name of fs.readdirSync(folder).filter(isLeftOver)) fs.rmSync(path(name));
}

/** Wraps the tensors to report progress when the bytes of each are requested, because all earlier ones are then written. */
function counted(tensors: readonly NamedTensorToStore[], onProgress: SaveOptions['onProgress']): readonly NamedTensorToStore[] {
  if (!onProgress) return tensors;
  const total = tensors.reduce((sum, [, { dtype, shape }]) => sum + byteLength(dtype, shape), 0);
  let written = 0;
  return tensors.map(([name, tensor]) => {
    const bytes = () => {
      onProgress(written, total);
      written += byteLength(tensor.dtype, tensor.shape);
      return typeof tensor.bytes === 'function' ? tensor.bytes() : tensor.bytes;
    };
    return [name, { ...tensor, bytes }];
  });
}

function stageJson(path: string, content: JsonObject): StagedFile {
  return stageFile(path, (append) => append(new TextEncoder().encode(jsonText(content))));
}

function jsonText(content: JsonObject): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

function textOf(path: string): string | undefined {
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
}

/** Fills one file after another, as transformers does; a tensor larger than the limit gets its own file. */
function shardsOf(tensors: readonly NamedTensorToStore[], limit: number): ReadonlyMap<string, readonly NamedTensorToStore[]> {
  const shards: NamedTensorToStore[][] = [[]];
  let filled = 0;
  for (const entry of tensors) {
    const bytes = byteLength(entry[1].dtype, entry[1].shape);
    if (filled > 0 && filled + bytes > limit) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)?.push(entry);
    filled += bytes;
  }
  return new Map(shards.map((shard, index) => [shards.length === 1 ? SINGLE : shardFile(index, shards.length), shard]));
}

function indexOf(shards: ReadonlyMap<string, readonly NamedTensorToStore[]>): JsonObject {
  const tensors = [...shards].flatMap(([file, shard]) => shard.map(([name, tensor]) => ({ file, name, tensor })));
  const places = tensors.map(({ name, file }) => [name, file] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  const size = tensors.reduce((total, { tensor }) => total + byteLength(tensor.dtype, tensor.shape), 0);
  return { metadata: { total_size: size }, weight_map: Object.fromEntries(places) };
}
