/** Opens an adapter folder before it is put on a model. */
import nodePath from 'node:path';
import { namesIn, pathKind } from '../../io';
import { FormatError } from '../../runtime';
import type { PeftConfig } from '../methods';
import { readAdapterConfig } from './adapterConfigFile';
import { openAdapterTensors, type TensorSource } from './adapterTensors';
import { CONFIG_FILE } from './configFields';

export interface AdapterFolder {
  readonly config: PeftConfig;
  readonly tensors: TensorSource;
}

/**
 * Reads the configuration of an adapter folder and the header of its tensors.
 *
 * @throws FormatError when the path cannot be followed, or a file is missing or malformed; UnsupportedError for an unknown method.
 */
export function openAdapterFolder(folder: string): AdapterFolder {
  checkAdapterFolder(folder);
  return { config: readAdapterConfig(folder), tensors: openAdapterTensors(folder) };
}

/** @throws FormatError when the folder holds no adapter, with the folders in it that do. */
export function checkAdapterFolder(folder: string): void {
  if (pathKind(nodePath.join(folder, CONFIG_FILE)) === undefined) throw new FormatError(`${folder} has no ${CONFIG_FILE}${hint(folder)}`);
}

/** Points to subfolders with adapters, where those not named `default` are saved. */
function hint(folder: string): string {
  if (pathKind(folder) !== 'folder') return '; there is no such folder';
  const below = namesIn(folder).filter((name) => isAdapter(nodePath.join(folder, name)));
  return below.length > 0 ? `; its sub-folders have: load ${below.slice(0, 10).join(', ')} from there` : '';
}

function isAdapter(folder: string): boolean {
  return pathKind(folder) === 'folder' && pathKind(nodePath.join(folder, CONFIG_FILE)) === 'file';
}
