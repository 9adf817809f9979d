/** The manifest that distinguishes intact from damaged checkpoints: the sizes and checksums of the other files. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { writeTextAtomic } from '../../io';
import { sha256 } from '../../io/sha256';
import { FormatError } from '../../runtime';

const MANIFEST = 'manifest.json';

/** The files of a checkpoint, by name. */
export interface Manifest {
  readonly version: 1;
  readonly step: number;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** Two lines: the checksum of the second line, and the manifest of all files of the folder. A changed manifest is found too. */
export function writeManifest(folder: string, step: number): void {
  const files: Record<string, Manifest['files'][string]> = {};
  for (const name of fs.readdirSync(folder)) {
    const content = fs.readFileSync(nodePath.join(folder, name));
    files[name] = { bytes: content.byteLength, sha256: sha256(content) };
  }
  const manifest: Manifest = { version: 1, step, files };
  const line = JSON.stringify(manifest);
  writeTextAtomic(nodePath.join(folder, MANIFEST), `${sha256(line)}\n${line}\n`);
}

/** The manifest of an intact folder. @throws FormatError when a file is missing or any bit has changed. */
export function checkedManifest(folder: string): Manifest {
  const text = readFile(folder, MANIFEST).toString();
  const line = text.slice(65, -1);
  if (text !== `${sha256(line)}\n${line}\n`) throw damaged(folder, MANIFEST, 'its checksum does not fit');
  const manifest = JSON.parse(line) as Manifest; // what we wrote, bit for bit
  for (const [name, file] of Object.entries(manifest.files)) {
    if (sha256(readFile(folder, name)) !== file.sha256) throw damaged(folder, name, 'its checksum does not fit');
  }
  return manifest;
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
