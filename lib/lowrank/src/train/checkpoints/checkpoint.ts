/**
 * Checkpoints that survive a crash at any moment. Each is a folder that appears complete or not at all, with checksums of all bytes.
 *
 * One process writes to a directory at a time: see {@link lockRun}.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import {
  makeFolder,
  namesIn,
  pathKind,
  readSafetensors,
  syncFolder,
  type TensorToStore,
  writeSafetensors,
  writeTextAtomic,
} from '../../io';
import { storingIn } from '../../io/storingIn';
import { FormatError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkGiven } from '../../runtime/checks/door';
import { reasonOf } from '../../runtime/messages/reasonOf';
import { warn } from '../../runtime/messages/warn';
import { checkedManifest, writeManifest } from './checkpointManifest';

/** The content of a checkpoint. */
export interface CheckpointContent {
  /** Updates made. */
  readonly step: number;
  /** Any JSON value. */
  readonly state: unknown;
  /** Groups of tensors, each in its own file, `GROUP.safetensors`. */
  readonly tensors: Readonly<Record<string, tf.NamedTensorMap>>;
}

/** A loaded checkpoint; the caller disposes of its tensors. */
export interface Checkpoint extends CheckpointContent {
  /** Its folder. */
  readonly path: string;
}

/** The options of saving. */
export interface CheckpointSaveOptions {
  /**
   * Number of newest checkpoints to keep; older ones are removed once the new one is complete. A damaged one does not count: it stays until
   * this number of newer intact ones exists.
   *
   * @defaultValue 2
   */
  readonly keep?: number;
  /** The folder of an older checkpoint that this one replaces; it does not count. @defaultValue none */
  readonly replaced?: string;
}

const STATE = 'state.json';
const TEMPORARY = '.incomplete-';
const TENSORS = '.safetensors';

/**
 * Writes a checkpoint below the directory and returns its folder. It is built under another name and renamed once all files and the
 * manifest of their checksums are on the disk; until then, the older checkpoints do not change.
 *
 * @throws StorageError when the disk refuses; the older checkpoints are unchanged.
 */
export function saveCheckpoint(
  directory: string,
  { step, state, tensors }: CheckpointContent,
  options: CheckpointSaveOptions = {},
): string {
  checkKnown('saveCheckpoint', options, ['keep', 'replaced']);
  const { keep = 2, replaced } = options;
  for (const [group, map] of Object.entries(tensors)) checkGiven('saveCheckpoint: tensors', { [group]: map }, { [group]: 'tensors' });
  return storingIn(directory, 'checkpoint', () => {
    makeFolder(directory);
    removeLeftovers(directory);
    const temporary = nodePath.join(directory, `${TEMPORARY}${randomBytes(6).toString('hex')}`);
    fs.mkdirSync(temporary);
    try {
      for (const [group, map] of Object.entries(tensors)) {
        writeSafetensors(nodePath.join(temporary, `${group}${TENSORS}`), Object.entries(map).map(storedTensor));
      }
      writeTextAtomic(nodePath.join(temporary, STATE), JSON.stringify(state));
      writeManifest(temporary, step);
      const older = completeFolders(fs.readdirSync(directory));
      const path = nodePath.join(directory, folderName((older[0]?.sequence ?? 0) + 1, step));
      fs.renameSync(temporary, path);
      syncFolder(directory);
      const others = older.filter(({ name }) => replaced === undefined || name !== nodePath.basename(replaced));
      if (others.length < older.length) removeFolder(directory, nodePath.basename(replaced ?? ''));
      for (const { name } of outdated(directory, others, keep - 1)) removeFolder(directory, name);
      return path;
    } catch (error) {
      fs.rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
  });
}

/**
 * Reads the newest intact checkpoint below the directory; a warning names each damaged one that is skipped.
 *
 * @returns undefined if there is none.
 * @throws FormatError when all checkpoints are damaged, or the path is not a directory.
 */
export function loadCheckpoint(directory: string): Checkpoint | undefined {
  const kind = pathKind(directory);
  if (kind !== undefined && kind !== 'folder')
    throw new FormatError(`${directory} is not a folder of checkpoints; pass the folder in which a run was saved`);
  const folders = completeFolders(kind === undefined ? [] : namesIn(directory));
  for (const { name } of folders) {
    const path = nodePath.join(directory, name);
    try {
      return readCheckpoint(path);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      warn(`${error.message}; going back to the checkpoint before it`);
    }
  }
  if (folders.length > 0)
    throw new FormatError(
      `all ${folders.length} checkpoints in ${directory} are damaged: remove that folder to start again, or take another`,
    );
  return undefined;
}

/** @throws FormatError when it is damaged. */
function readCheckpoint(path: string): Checkpoint {
  const { step, files } = checkedManifest(path);
  const state = readState(nodePath.join(path, STATE));
  const groups = Object.keys(files).filter((name) => name.endsWith(TENSORS));
  const read = (name: string) => [name.slice(0, -TENSORS.length), readTensors(nodePath.join(path, name))] as const;
  const tensors = tf.tidy(() => Object.fromEntries(groups.map(read))); // none is left where a later one cannot be read
  return { path, step, state, tensors };
}

function readState(path: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FormatError(`${path} is not the state of a checkpoint (${reasonOf(cause)})`, { cause });
  }
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
  const read = (name: string) => tf.tensor(file.toFloat32(name), [...file.info(name).shape]);
  return file.whileOpen(() => Object.fromEntries(file.names.map((name) => [name, read(name)])));
}

/** The name contains the order of saving besides the step: a second run in the same directory may begin at step 0 again. */
function folderName(sequence: number, step: number): string {
  return `checkpoint-${sequence}-step-${step}`;
}

interface CheckpointFolder {
  readonly name: string;
  readonly sequence: number;
}

/** The checkpoints among the names in a directory, the newest first. */
function completeFolders(names: readonly string[]): CheckpointFolder[] {
  return names
    .map((name) => ({ name, sequence: Number(/^checkpoint-(\d+)-step-\d+$/.exec(name)?.[1]) }))
    .filter(({ sequence }) => !Number.isNaN(sequence))
    .sort((a, b) => b.sequence - a.sequence);
}

/** Folders older than the newest `keep` intact checkpoints; manifests are verified. */
function outdated(directory: string, newestFirst: readonly CheckpointFolder[], keep: number): readonly CheckpointFolder[] {
  if (newestFirst.length <= keep) return [];
  let whole = 0;
  for (const [index, { name }] of newestFirst.entries()) {
    if (whole === keep) return newestFirst.slice(index);
    if (isWhole(nodePath.join(directory, name))) whole++;
  }
  return [];
}

function isWhole(path: string): boolean {
  try {
    checkedManifest(path);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/** Removes a checkpoint; a crash during the removal leaves no incomplete folder under its name. */
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
