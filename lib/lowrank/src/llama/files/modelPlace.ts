/** Finds the file or folder that a user means by a model's path, and explains paths that lead to something else. */
import { Buffer } from 'node:buffer';
import nodePath from 'node:path';
import { BinaryFile, namesIn, pathKind, readJsonFile } from '../../io';
import { FormatError, UnsupportedError } from '../../runtime';

/** The place of a model: a Hugging Face folder or a GGUF file. */
export interface ModelPlace {
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * The model at a path: the folder or GGUF file itself, the only GGUF file in a folder, or the snapshot in a folder of the hub's cache.
 *
 * @throws FormatError or UnsupportedError with what is there instead, and the fix.
 */
export function modelPlace(path: string): ModelPlace {
  const kind = pathKind(path);
  if (kind === undefined) throw new FormatError(missing(path));
  if (kind === 'other') throw new FormatError(`${path}: this is not a regular file; give a model's folder or a GGUF file`);
  return kind === 'folder' ? placeInFolder(path) : ggufFile(path);
}

/** The message for a missing path, which may be a model name on the hub. */
function missing(path: string): string {
  const isHubName = /^[\w.-]+\/[\w.-]+$/.test(path) && !/^\.{1,2}\//.test(path) && pathKind(nodePath.dirname(path)) === undefined;
  if (isHubName || /^(hf:\/\/|https?:\/\/)/.test(path)) {
    return `${path}: this looks like a name on the Hugging Face hub; nothing is downloaded here. Fetch the model with \`hf download\` and give the folder (or a GGUF file)`;
  }
  return `${path}: there is no such file or folder (ENOENT); check the path`;
}

const WEIGHTS = /^(model|pytorch_model).*\.(safetensors|bin)$/;

function placeInFolder(folder: string): ModelPlace {
  const names = namesIn(folder);
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const ggufs = names.filter((name) => /\.gguf$/i.test(name));
  if (!has(/^model.*\.safetensors/)) {
    if (ggufs.length === 1) return ggufFile(nodePath.join(folder, ggufs[0] ?? ''));
    if (ggufs.length > 1 && ggufs.every((name) => GGUF_PART.test(name)))
      throw new UnsupportedError(`${folder} holds parts of GGUF models: ${listed(ggufs)}; ${JOIN}`);
    if (ggufs.length > 1) throw new FormatError(`${folder} holds ${ggufs.length} GGUF files; give one of them: ${listed(ggufs)}`);
  }
  if (names.includes('adapter_config.json') && !has(WEIGHTS)) throw new FormatError(adapterText(folder));
  if (names.includes('config.json')) return { path: folder, isFolder: true };
  const snapshot = snapshotOf(folder, names);
  if (snapshot !== undefined) return placeInFolder(snapshot);
  const other = otherKind(folder, names);
  if (other !== undefined) throw new UnsupportedError(`${folder} ${other}`);
  const models = names.filter((name) => pathKind(nodePath.join(folder, name, 'config.json')) === 'file');
  if (models.length > 0) throw new FormatError(`${folder} has no config.json (ENOENT); folders in it have: give one of ${listed(models)}`);
  const adapters = names.filter((name) => pathKind(nodePath.join(folder, name, 'adapter_config.json')) === 'file');
  if (adapters.length > 0) throw new FormatError(`${folder} has no config.json (ENOENT); folders in it hold adapters: ${listed(adapters)}`);
  throw new FormatError(
    `${folder} has no config.json (ENOENT): it is no model's folder; give one that transformers' save_pretrained wrote, or a GGUF file`,
  );
}

function adapterText(folder: string): string {
  const { base_model_name_or_path: base } = readJsonFile(nodePath.join(folder, 'adapter_config.json'), { largest: 2 ** 20 });
  const ofBase = typeof base === 'string' && base !== '' ? ` of the base ${JSON.stringify(base.slice(0, 200))}` : '';
  return `${folder} holds an adapter${ofBase}, not a model: load the base, then the adapter onto it with await PeftModel.fromPretrained(base, folder)`;
}

/** Finds the snapshot in the hub's cache: `models--OWNER--NAME/snapshots/REVISION`, with the revision of each branch in `refs`. */
function snapshotOf(folder: string, names: readonly string[]): string | undefined {
  if (!names.includes('snapshots')) return undefined;
  const snapshots = namesIn(nodePath.join(folder, 'snapshots'));
  const main = nodePath.join(folder, 'refs', 'main');
  const revision = pathKind(main) === 'file' ? revisionIn(new BinaryFile(main)) : undefined;
  const chosen = snapshots.find((name) => name === revision) ?? (snapshots.length === 1 ? snapshots[0] : undefined);
  if (chosen !== undefined) return nodePath.join(folder, 'snapshots', chosen);
  throw new FormatError(`${folder} is a folder of the hub's cache with ${snapshots.length} snapshots; give one: ${listed(snapshots)}`);
}

/** A commit's hash. */
function revisionIn(file: BinaryFile): string {
  return Buffer.from(file.read(0, Math.min(file.size, 100)))
    .toString()
    .trim();
}

function otherKind(folder: string, names: readonly string[]): string | undefined {
  const find = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const again = "save the model again with transformers' save_pretrained, which writes config.json and safetensors";
  if (names.includes('model_index.json')) return 'is a pipeline of diffusers (model_index.json), not a language model';
  const meta = find(/^consolidated.*\.(pth|safetensors)$|^params\.json$/);
  if (meta !== undefined) return `is in the format in which Meta and Mistral publish weights (${meta}), which is not read here; ${again}`;
  const pickle = find(/\.(bin|pt|pth|ckpt|pkl)$/);
  if (pickle !== undefined) return `holds its weights as ${pickle}, a pickle, which can run code and is not read here; ${again}`;
  const caches = find(/^models--/);
  if (caches !== undefined) return `is the hub's cache; give the folder of one model, such as ${nodePath.join(folder, caches)}`;
  const onnx = find(/\.onnx$|^onnx$/);
  return onnx === undefined ? undefined : `holds an ONNX model (${onnx}), which is not read here; give the folder with its safetensors`;
}

const GGUF_PART = /-(\d{5})-of-(\d{5})\.gguf$/i;
const JOIN = "join the parts with llama.cpp's `llama-gguf-split --merge FIRST-PART OUT.gguf`";
const PACKED = /\.(zip|tar|tgz|tar\.gz|tar\.zst|7z|gz)$/i;
const PICKLES = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

function ggufFile(path: string): ModelPlace {
  const folder = nodePath.dirname(path);
  const [, part, count] = GGUF_PART.exec(path) ?? [];
  checkGgufPart(path, Number(part), Number(count ?? 1));
  if (PACKED.test(path)) throw new UnsupportedError(`${path} is an archive; unpack it and give the model's folder or GGUF file`);
  if (/\.onnx$/i.test(path)) throw new UnsupportedError(`${path} is an ONNX model, which is not read here; give safetensors or GGUF`);
  if (PICKLES.test(path)) {
    throw new UnsupportedError(`${path} is a pickle, which can run code and is not read here; give safetensors or GGUF`);
  }
  if (/\.(safetensors|json|model|jinja)$/i.test(path)) {
    throw new FormatError(`${path} is one file of a model; give its folder, ${folder}`);
  }
  return { path, isFolder: false };
}

/** Checks that a GGUF file is a whole model. @throws UnsupportedError when it is one of several parts. */
export function checkGgufPart(path: string, part: number, count: number): void {
  if (count <= 1) return;
  throw new UnsupportedError(`${path} is part ${part} of a GGUF model in ${count} files; ${JOIN}`);
}

function listed(names: readonly string[]): string {
  return `${names
    .slice(0, 10)
    .map((name) => name.slice(0, 200))
    .join(', ')}${names.length > 10 ? ', …' : ''}`;
}
