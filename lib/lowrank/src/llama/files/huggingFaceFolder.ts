/** Opens a model in a Hugging Face folder: `config.json`, and `model.safetensors` in one file or several with their index. */
import { Buffer } from 'node:buffer';
import nodePath from 'node:path';
import { isJsonObject, type JsonObject, namesIn, pathKind, readJsonFile, readSafetensors, type SafetensorsFile, toFloat32 } from '../../io';
import { FormatError, UnsupportedError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';
import { warn } from '../../runtime/messages/warn';
import { sizeOf } from '../../runtime/sizeOf';
import type { LlamaConfig } from '../config';
import { configFromJson } from './configJson';
import { warnOfUnusedGeneration } from './ignoredGenerationConfig';
import { type ModelFiles, type ModelTensor, reusedBuffer } from './modelSource';
import { INDEX, SINGLE, shardFile } from './weightFiles';

const SHARD = /^model-(\d{5})-of-(\d{5})\.safetensors$/;
const MOST_SHARDS = 10_000;
const LARGEST_CONFIG = 1_000_000;
const LARGEST_INDEX = 100_000_000;

/** Tables in old files that a model computes itself. */
const CONSTANT = /\.rotary_emb\.inv_freq$/;

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const COMPARED_ROWS = 256; // at a time

/** @throws FormatError when a file is missing or malformed; UnsupportedError for an architecture that this library does not read. */
export function openFolderModel(folder: string): ModelFiles {
  const document = readJsonFile(nodePath.join(folder, 'config.json'), { largest: LARGEST_CONFIG });
  if (isJsonObject(document.quantization)) {
    throw new UnsupportedError(`${folder}: the weights are quantised by MLX (quantization); load the model unquantised, or a GGUF file`);
  }
  if (namesIn(folder).includes('adapter_config.json'))
    warn(
      `${folder} holds an adapter beside the model: it is not put on, as transformers does; PeftModel.fromPretrained(model, folder) does`,
    );
  const generation = readOptional(nodePath.join(folder, 'generation_config.json'));
  const given = configFromJson(nodePath.join(folder, 'config.json'), { config: document, generation });
  const files = filesByTensor(folder);
  const buffer = reusedBuffer();
  const config = given.tieWordEmbeddings && headDiffers(files, buffer) ? untied(folder, given) : given;
  const stored = (name: string) => {
    // Writers that store shared tensors once may keep either name.
    const isOtherName = config.tieWordEmbeddings && name === EMBEDDING && !files.has(EMBEDDING);
    const key = isOtherName ? HEAD : name;
    const file = files.get(key);
    return file && tensorOf(file, key, buffer);
  };
  const names = [...files.keys()].filter((name) => !CONSTANT.test(name));
  // transformers 5 takes these settings from config.json too, but only where there is no other file
  warnOfUnusedGeneration(nodePath.join(folder, generation ? 'generation_config.json' : 'config.json'), generation ?? document);
  return { path: folder, config, names, tensor: stored };
}

/** In this case transformers 5 keeps both tables, whatever the configuration says. */
function untied(folder: string, config: LlamaConfig): LlamaConfig {
  warn(`${folder}: config.json has tie_word_embeddings true, but ${HEAD} is not ${EMBEDDING}: the two are loaded apart, as they are`);
  return Object.freeze({ ...config, tieWordEmbeddings: false });
}

/** Whether both tables are stored and differ. */
function headDiffers(files: ReadonlyMap<string, SafetensorsFile>, buffer: (length: number) => Uint8Array): boolean {
  const [table, head] = [EMBEDDING, HEAD].map((name) => {
    const file = files.get(name);
    return file && tensorOf(file, name, buffer);
  });
  if (!table || !head) return false;
  if (table.shape.join() !== head.shape.join()) return true;
  const [rows = 0] = table.shape;
  for (let row = 0; row < rows; row += COMPARED_ROWS) {
    const end = Math.min(rows, row + COMPARED_ROWS);
    const [a, b] = [table.read(row, end), head.read(row, end)].map(({ buffer, byteOffset, byteLength }) =>
      Buffer.from(buffer, byteOffset, byteLength),
    );
    if (a && b && !a.equals(b)) return true;
  }
  return false;
}

function readOptional(path: string): JsonObject | undefined {
  return pathKind(path) !== undefined ? readJsonFile(path, { largest: LARGEST_CONFIG }) : undefined;
}

function filesByTensor(folder: string): ReadonlyMap<string, SafetensorsFile> {
  const names = namesIn(folder);
  if (names.includes(SINGLE)) return tensorsIn([nodePath.join(folder, SINGLE)]);
  if (names.includes(INDEX)) return filesOfIndex(folder);
  const shards = names.filter((name) => SHARD.test(name));
  if (shards.length > 0) return filesOfShards(folder, shards);
  const older = names.find((name) => /^pytorch_model.*\.bin$|\.(pt|pth|ckpt)$/.test(name));
  if (older !== undefined) {
    const message = `${folder} holds its weights as ${older}, a pickle, which can run code and is not read here`;
    throw new UnsupportedError(`${message}; save it again with transformers' save_pretrained, which writes safetensors`);
  }
  const other = names.find((name) => /\.(safetensors|gguf|msgpack|h5|npz|onnx|xml|distcp)$|^(onnx|model|global_step\d+)$/i.test(name));
  const instead = other === undefined ? '' : `; ${other} is not read in their place`;
  throw new FormatError(`${folder} has neither ${SINGLE} nor ${INDEX}${instead}; save the model there with transformers' save_pretrained`);
}

/** All tensors of some files; no tensor may be in two files. */
function tensorsIn(paths: readonly string[]): ReadonlyMap<string, SafetensorsFile> {
  const files = new Map<string, SafetensorsFile>();
  for (const file of paths.map(readSafetensors)) {
    for (const name of file.names) {
      const other = files.get(name);
      if (other) throw new FormatError(`${file.path} and ${other.path} both have a tensor ${shown(name)}`);
      files.set(name, file);
    }
  }
  return files;
}

/** Shards without an index: their names show whether all exist. */
function filesOfShards(folder: string, shards: readonly string[]): ReadonlyMap<string, SafetensorsFile> {
  const [, , count = ''] = SHARD.exec(shards[0] ?? '') ?? [];
  const wanted = Array.from({ length: Math.min(Number(count), MOST_SHARDS) }, (_, index) => shardFile(index, Number(count)));
  checkShards(`${folder}, whose safetensors files have no ${INDEX},`, wanted, shards);
  const others = shards.filter((name) => !wanted.includes(name));
  if (others.length > 0) throw new FormatError(`${folder} has shards of two models: ${shards[0]} and ${others[0]}; keep those of one`);
  return tensorsIn(wanted.map((name) => nodePath.join(folder, name)));
}

/** @throws FormatError with the missing shards. */
function checkShards(what: string, wanted: readonly string[], present: readonly string[]): void {
  const missing = wanted.filter((name) => !present.includes(name));
  if (missing.length === 0) return;
  const listed = `${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`;
  throw new FormatError(
    `${what} lacks ${missing.length} of ${wanted.length} files of weights: ${listed} (ENOENT). Was a download cut short? Fetch the model again`,
  );
}

function filesOfIndex(folder: string): ReadonlyMap<string, SafetensorsFile> {
  const path = nodePath.join(folder, INDEX);
  const { weight_map: places } = readJsonFile(path, { largest: LARGEST_INDEX });
  if (!isJsonObject(places)) throw new FormatError(`${path}: weight_map is not an object of tensor names and file names`);
  const open = new Map<string, SafetensorsFile>();
  const files = new Map<string, SafetensorsFile>();
  const isShard = (place: unknown): place is string => typeof place === 'string' && /^[\w.-]+\.safetensors$/.test(place);
  checkShards(`${folder}, by its ${INDEX},`, [...new Set(Object.values(places).filter(isShard))], namesIn(folder));
  for (const [name, place] of Object.entries(places)) {
    if (!isShard(place)) {
      throw new FormatError(`${path}: the place ${shown(place)} of a tensor is not the name of a safetensors file in this folder`);
    }
    const file = open.get(place) ?? readSafetensors(nodePath.join(folder, place));
    open.set(place, file);
    if (!file.has(name)) throw new FormatError(`${path}: ${place} has no tensor ${shown(name)}, against the index`);
    files.set(name, file);
  }
  return files;
}

function tensorOf(file: SafetensorsFile, name: string, buffer: (length: number) => Uint8Array): ModelTensor {
  const { dtype, shape } = file.info(name);
  const width = sizeOf(shape.slice(1));
  const read = (begin: number, end: number, out = new Float32Array((end - begin) * width)) => {
    const own = () => new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
    if (dtype !== 'F32') return toFloat32(dtype, file.readRows(name, begin, end, buffer), out);
    file.readRows(name, begin, end, own);
    return out;
  };
  return { shape, format: dtype, read, readStored: (begin, end) => file.readRows(name, begin, end) };
}
