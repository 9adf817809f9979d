/**
 * Checkpoints that survive a crash at any moment: each is a folder that appears whole or not at all, with a checksum for every byte.
 *
 * One process writes to a directory at a time.
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import { readSafetensors, syncFolder, type TensorToStore, writeSafetensors, writeTextAtomic } from '../io';
import { FormatError, StorageError, tf } from '../runtime';

/** What a checkpoint holds. */
export interface CheckpointContent {
  /** Updates made. */
  readonly step: number;
  /** Anything that JSON can hold. */
  readonly state: unknown;
  /** Groups of tensors, each kept in a file of its own, `GROUP.safetensors`. */
  readonly tensors: Readonly<Record<string, tf.NamedTensorMap>>;
}

/** A checkpoint that was read; the caller disposes its tensors. */
export interface Checkpoint extends CheckpointContent {
  /** Its folder. */
  readonly path: string;
}

/** How checkpoints are kept. */
export interface CheckpointSaveOptions {
  /** How many of the newest stay; older ones are removed once the new one is complete. @defaultValue 2 */
  readonly keep?: number;
}

const MANIFEST = 'manifest.json';
const STATE = 'state.json';
const TEMPORARY = '.incomplete-';
const TENSORS = '.safetensors';

/** The files of a checkpoint, by name. */
interface Manifest {
  readonly version: 1;
  readonly step: number;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/**
 * Writes a checkpoint below the directory and returns its folder. It is built under another name and renamed when every file and
 * the manifest of their checksums are on the disk; until then the older checkpoints stay as they are.
 *
 * @throws StorageError when the disk refuses; the older checkpoints are as they were.
 */
export function saveCheckpoint(
  directory: string,
  { step, state, tensors }: CheckpointContent,
  { keep = 2 }: CheckpointSaveOptions = {},
): string {
  return storing(directory, () => {
    fs.mkdirSync(directory, { recursive: true });
    removeLeftovers(directory);
    const temporary = nodePath.join(directory, `${TEMPORARY}${randomBytes(6).toString('hex')}`);
    fs.mkdirSync(temporary);
    try {
      for (const [group, map] of Object.entries(tensors)) {
        writeSafetensors(nodePath.join(temporary, `${group}${TENSORS}`), Object.entries(map).map(storedTensor));
      }
      writeTextAtomic(nodePath.join(temporary, STATE), JSON.stringify(state));
      writeManifest(temporary, step);
      const older = completeFolders(directory);
      const path = nodePath.join(directory, folderName((older[0]?.sequence ?? 0) + 1, step));
      fs.renameSync(temporary, path);
      syncFolder(directory);
      for (const { name } of older.slice(Math.max(0, keep - 1))) removeFolder(directory, name);
      return path;
    } catch (error) {
      fs.rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  });
}

/**
 * Reads the newest checkpoint below the directory whose checksums are right; a damaged one is named in a warning and passed over.
 *
 * @returns undefined when there is none.
 * @throws FormatError when there are checkpoints, but all of them are damaged.
 */
export function loadCheckpoint(directory: string): Checkpoint | undefined {
  const folders = completeFolders(directory);
  for (const { name } of folders) {
    const path = nodePath.join(directory, name);
    try {
      return readCheckpoint(path);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      console.warn(`${error.message}; going back to the checkpoint before it`);
    }
  }
  if (folders.length > 0)
    throw new FormatError(`all ${folders.length} checkpoints in ${directory} are damaged: begin anew in another folder`);
  return undefined;
}

/**
 * Reads one checkpoint.
 *
 * @throws FormatError when a file is missing or any bit of it has changed.
 */
function readCheckpoint(path: string): Checkpoint {
  const { step, files } = readManifest(path);
  const state: unknown = JSON.parse(readChecked(path, STATE, files).toString());
  const tensors: Record<string, tf.NamedTensorMap> = {};
  for (const name of Object.keys(files)) {
    if (!name.endsWith(TENSORS)) continue;
    readChecked(path, name, files);
    tensors[name.slice(0, -TENSORS.length)] = readTensors(nodePath.join(path, name));
  }
  return { path, step, state, tensors };
}

function storedTensor([name, tensor]: [string, tf.Tensor]): [string, TensorToStore] {
  const bytes = () => {
    const values = tensor.dataSync<'float32'>();
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  };
  return [name, { dtype: 'F32', shape: tensor.shape, bytes }];
}

function readTensors(path: string): tf.NamedTensorMap {
  const file = readSafetensors(path);
  return Object.fromEntries(file.names.map((name) => [name, tf.tensor(file.toFloat32(name), [...file.info(name).shape])]));
}

/** Two lines: the checksum of the second, and the manifest; so a changed manifest is found too. */
function writeManifest(folder: string, step: number): void {
  const files: Record<string, Manifest['files'][string]> = {};
  for (const name of fs.readdirSync(folder)) {
    const content = fs.readFileSync(nodePath.join(folder, name));
    files[name] = { bytes: content.byteLength, sha256: sha256(content) };
  }
  const manifest: Manifest = { version: 1, step, files };
  const line = JSON.stringify(manifest);
  writeTextAtomic(nodePath.join(folder, MANIFEST), `${sha256(line)}\n${line}\n`);
}

function readManifest(folder: string): Manifest {
  const text = readFile(folder, MANIFEST).toString();
  const line = text.slice(65, -1);
  if (text !== `${sha256(line)}\n${line}\n`) throw damaged(folder, MANIFEST, 'its checksum does not fit');
  return JSON.parse(line) as Manifest; // what we wrote, bit for bit
}

function readChecked(folder: string, name: string, files: Manifest['files']): Buffer {
  const content = readFile(folder, name);
  if (sha256(content) !== files[name]?.sha256) throw damaged(folder, name, 'its checksum does not fit');
  return content;
}

function readFile(folder: string, name: string): Buffer {
  try {
    return fs.readFileSync(nodePath.join(folder, name));
  } catch (cause) {
    throw damaged(folder, name, 'it cannot be read', cause);
  }
}

function damaged(folder: string, name: string, reason: string, cause?: unknown): FormatError {
  return new FormatError(`checkpoint ${folder} is damaged at ${name}: ${reason}`, { cause });
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Named by the order of saving, not by the step alone: a second run in the same directory may begin at step 0 again. */
function folderName(sequence: number, step: number): string {
  return `checkpoint-${sequence}-step-${step}`;
}

/** The checkpoints of a directory, the newest first. */
function completeFolders(directory: string): { readonly name: string; readonly sequence: number }[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .map((name) => ({ name, sequence: Number(/^checkpoint-(\d+)-step-\d+$/.exec(name)?.[1]) }))
    .filter(({ sequence }) => !Number.isNaN(sequence))
    .sort((a, b) => b.sequence - a.sequence);
}

/** Removes a checkpoint so that a crash in between leaves no half of it under its name. */
function removeFolder(directory: string, name: string): void {
  const hidden = nodePath.join(directory, `${TEMPORARY}${name}`);
  fs.renameSync(nodePath.join(directory, name), hidden);
  fs.rmSync(hidden, { recursive: true });
}

function removeLeftovers(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith(TEMPORARY)) fs.rmSync(nodePath.join(directory, name), { recursive: true });
  }
}

function storing<T>(directory: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof StorageError || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new StorageError(`no checkpoint can be written to ${directory} (${cause.message}); check the folder and the free space`, {
      cause,
    });
  }
}
