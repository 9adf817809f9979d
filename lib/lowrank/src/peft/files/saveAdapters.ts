/** Writes adapters as PEFT folders. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import { makeFolder, syncFolder, writeSafetensors, writeTextAtomic } from '../../io';
import { storingIn } from '../../io/storingIn';
import { StorageError } from '../../runtime';
import type { PeftConfig } from '../methods';
import type { AdapterTensor } from '../tuner';
import { adapterConfigText } from './adapterConfigFile';
import { fileName, TENSOR_FILE } from './adapterTensors';
import { CONFIG_FILE } from './configFields';
import { modelCard } from './modelCard';
import { storedTensor } from './tensorLayout';

interface AdapterContent {
  readonly name: string;
  readonly config: PeftConfig;
  /** Tensors by their names in the file, without the prefix. */
  readonly tensors: ReadonlyMap<string, AdapterTensor>;
}

const MODEL_CARD = 'README.md';

/**
 * Writes the adapter named `default` into the folder, and every other one into a subfolder with its name. An existing model card is kept.
 *
 * @throws StorageError when the disk refuses, or a subfolder is a link that leads elsewhere.
 */
export function saveAdapters(folder: string, adapters: readonly AdapterContent[]): void {
  storingIn(folder, 'adapter', () => {
    makeFolder(folder);
    for (const adapter of adapters) writeAdapter(subfolder(folder, adapter.name), adapter);
    const card = nodePath.join(folder, MODEL_CARD);
    if (!fs.existsSync(card)) writeTextAtomic(card, modelCard(adapters.map(({ config }) => config)));
  });
}

function subfolder(folder: string, name: string): string {
  if (name === 'default') return folder;
  const path = nodePath.join(folder, name);
  makeFolder(path);
  if (fs.lstatSync(path).isSymbolicLink()) throw new StorageError(`${path} is a link; adapters are written only inside ${folder}`);
  return path;
}

/**
 * Writes both files under temporary names and renames them when they are complete. A configuration that will change is removed before the
 * tensors are replaced, so that tensors are never read with the scale of another adapter, whatever happens in between.
 */
function writeAdapter(folder: string, { config, tensors }: AdapterContent): void {
  const staged = nodePath.join(folder, `.${randomBytes(6).toString('hex')}.tmp`);
  fs.mkdirSync(staged);
  try {
    const stored = Array.from(tensors, ([name, tensor]) => [fileName(name), storedTensor(tensor)] as const);
    writeSafetensors(nodePath.join(staged, TENSOR_FILE), stored, { metadata: { format: 'pt' } });
    const text = adapterConfigText(config);
    writeTextAtomic(nodePath.join(staged, CONFIG_FILE), text);
    const configPath = nodePath.join(folder, CONFIG_FILE);
    if (fs.existsSync(configPath) && fs.readFileSync(configPath, 'utf8') !== text) fs.rmSync(configPath);
    fs.renameSync(nodePath.join(staged, TENSOR_FILE), nodePath.join(folder, TENSOR_FILE));
    fs.renameSync(nodePath.join(staged, CONFIG_FILE), configPath);
    syncFolder(folder);
  } finally {
    fs.rmSync(staged, { recursive: true, force: true });
  }
}
