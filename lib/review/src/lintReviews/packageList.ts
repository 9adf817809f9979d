import fs from 'node:fs';
import path from 'node:path';
import { FormatError, StateError } from 'lowrank';
import { readJsonFile } from 'lowrank/internal';
import type { InstalledPackage } from './packageSources';

const FILE = 'lint-packages.json';
const LARGEST = 1_000_000;

/**
 * The packages that `lint-packages.json` in `folder` names with their versions, or all of them where there is no such file.
 *
 * A fixed list keeps the examples the same when another package is installed, for example a tool for development.
 *
 * @throws StateError when a listed package is not installed, or has another version; FormatError when the file is malformed.
 */
export function listedPackages(folder: string, installed: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const file = path.join(folder, FILE);
  if (!fs.existsSync(file)) return installed;
  const byName = new Map(installed.map((each) => [each.name, each]));
  return Object.entries(readJsonFile(file, { largest: LARGEST })).map(([name, version]) => {
    if (typeof version !== 'string') throw new FormatError(`${file}: the version of ${name} is not a text`);
    const found = byName.get(name);
    if (found?.version === version) return found;
    const state = found ? `has version ${found.version}` : 'is not installed';
    throw new StateError(
      `${file} names ${name} ${version}, which ${state}: run npm ci, or remove the file to read all packages that are installed`,
    );
  });
}
