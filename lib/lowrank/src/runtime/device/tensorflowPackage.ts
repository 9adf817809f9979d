/** Finds tfjs and its binding: among the packages of a checkout, or in the folder that `lowrank setup` made for a project. */
import fs from 'node:fs';
import nodePath from 'node:path';

const PACKAGE = '@tensorflow/tfjs-node-gpu';

/**
 * The name or the path of tfjs.
 *
 * Only folders above this file are searched, never those above the working directory: a working directory must not supply native code.
 */
export function tensorflowPackage(): string {
  for (let folder = __dirname; ; folder = nodePath.dirname(folder)) {
    const made = nodePath.join(folder, '.lowrank/node_modules', PACKAGE);
    if (fs.existsSync(made)) return made;
    if (folder === nodePath.dirname(folder)) return PACKAGE;
  }
}
