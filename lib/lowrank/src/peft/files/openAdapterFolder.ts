/** An adapter's folder, opened and not yet on any model. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError } from '../../runtime';
import type { PeftConfig } from '../methods';
import { readAdapterConfig } from './adapterConfigFile';
import { openAdapterTensors, type TensorSource } from './adapterTensors';
import { CONFIG_FILE } from './configFields';

/** What a folder holds. */
export interface AdapterFolder {
  readonly config: PeftConfig;
  readonly tensors: TensorSource;
}

/**
 * Reads the configuration of an adapter's folder and the header of its tensors.
 *
 * @throws FormatError when a file is missing or malformed; UnsupportedError for a method that this library does not have.
 */
export function openAdapterFolder(folder: string): AdapterFolder {
  if (!fs.existsSync(nodePath.join(folder, CONFIG_FILE))) throw new FormatError(`${folder} has no ${CONFIG_FILE}${hint(folder)}`);
  return { config: readAdapterConfig(folder), tensors: openAdapterTensors(folder) };
}

/** Adapters not named `default` are saved below the folder that was asked for. */
function hint(folder: string): string {
  if (!fs.existsSync(folder) || !fs.statSync(folder).isDirectory()) return '; there is no such folder';
  const below = fs.readdirSync(folder).filter((name) => fs.existsSync(nodePath.join(folder, name, CONFIG_FILE)));
  return below.length > 0 ? `; its sub-folders have: load ${below.slice(0, 10).join(', ')} from there` : '';
}
