/** A model in a Hugging Face folder: `config.json`, and `model.safetensors` in one file or several with their index. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { isJsonObject, readJsonFile, readSafetensors, type SafetensorsFile, toFloat32 } from '../../io';
import { FormatError, UnsupportedError } from '../../runtime';
import { sizeOf } from '../../runtime/sizeOf';
import { warn } from '../../runtime/warn';
import type { LlamaConfig } from '../config';
import { configFromJson } from './configJson';
import { type ModelFiles, type ModelTensor, reusedBuffer } from './modelSource';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const LARGEST_CONFIG = 1_000_000;
const LARGEST_INDEX = 100_000_000;

/** Tables that old files hold and that a model makes itself. */
const CONSTANT = /\.rotary_emb\.inv_freq$/;

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';
const COMPARED_ROWS = 256; // at a time

/** @throws FormatError when a file is missing or malformed; UnsupportedError for an architecture that is not read here. */
export function openFolderModel(folder: string): ModelFiles {
  const document = readJsonFile(nodePath.join(folder, 'config.json'), { largest: LARGEST_CONFIG });
  if (isJsonObject(document.quantization)) {
    throw new UnsupportedError(`${folder}: the weights are quantised by MLX (quantization); load the model unquantised, or a GGUF file`);
  }
  const given = configFromJson(nodePath.join(folder, 'config.json'), {
    config: document,
    generation: readOptional(nodePath.join(folder, 'generation_config.json')),
  });
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
  return { path: folder, config, names, tensor: stored };
}

/** transformers 5 then keeps both tables, whatever the configuration says. */
function untied(folder: string, config: LlamaConfig): LlamaConfig {
  warn(`${folder}: config.json has tie_word_embeddings true, but ${HEAD} is not ${EMBEDDING}: the two are loaded apart, as they are`);
  return Object.freeze({ ...config, tieWordEmbeddings: false });
}

/** Whether both ends are stored, and are not the same. */
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

function readOptional(path: string): Readonly<Record<string, unknown>> {
  return fs.existsSync(path) ? readJsonFile(path, { largest: LARGEST_CONFIG }) : {};
}

function filesByTensor(folder: string): ReadonlyMap<string, SafetensorsFile> {
  if (fs.existsSync(nodePath.join(folder, SINGLE))) {
    const file = readSafetensors(nodePath.join(folder, SINGLE));
    return new Map(file.names.map((name) => [name, file]));
  }
  if (fs.existsSync(nodePath.join(folder, INDEX))) return filesOfIndex(folder);
  const older = fs.readdirSync(folder).find((name) => /^pytorch_model.*\.bin$|\.(pt|pth|ckpt)$/.test(name));
  if (older !== undefined) {
    const message = `${folder} holds its weights as ${older}, a pickle, which can run code and is not read here`;
    throw new UnsupportedError(`${message}; save it again with transformers' save_pretrained, which writes safetensors`);
  }
  throw new FormatError(`${folder} has neither ${SINGLE} nor ${INDEX}; save the model there with transformers' save_pretrained`);
}

function filesOfIndex(folder: string): ReadonlyMap<string, SafetensorsFile> {
  const path = nodePath.join(folder, INDEX);
  const { weight_map: places } = readJsonFile(path, { largest: LARGEST_INDEX });
  if (!isJsonObject(places)) throw new FormatError(`${path}: weight_map is not an object of tensor names and file names`);
  const open = new Map<string, SafetensorsFile>();
  const files = new Map<string, SafetensorsFile>();
  for (const [name, place] of Object.entries(places)) {
    const shown = JSON.stringify(place)?.slice(0, 80);
    if (typeof place !== 'string' || !/^[\w.-]+\.safetensors$/.test(place)) {
      throw new FormatError(`${path}: the place ${shown} of a tensor is not the name of a safetensors file in this folder`);
    }
    const file = open.get(place) ?? readSafetensors(nodePath.join(folder, place));
    open.set(place, file);
    if (!file.has(name)) throw new FormatError(`${path}: ${place} has no tensor ${JSON.stringify(name).slice(0, 80)}, against the index`);
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
