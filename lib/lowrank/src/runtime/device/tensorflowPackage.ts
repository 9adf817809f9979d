/** Where tfjs and its binding are: among the packages of a checkout, or in the folder that `lowrank setup` made for a project. */
import fs from 'node:fs';
import nodePath from 'node:path';

const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * The name or the path to load tfjs by.
 *
 * Only folders above this file are looked into, never those above the working directory: the folder that is worked in must not bring
 * native code along.
 */
export function tensorflowPackage(start = __dirname): string {
  for (let folder = start; ; folder = nodePath.dirname(folder)) {
    const made = nodePath.join(folder, '.lowrank/node_modules', PACKAGE);
    if (fs.existsSync(made)) return made;
    if (folder === nodePath.dirname(folder)) return PACKAGE;
  }
}
