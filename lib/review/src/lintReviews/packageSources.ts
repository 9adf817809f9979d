/** Finds installed packages, and the JavaScript in them that people wrote. */
import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { StateError } from 'lowrank';
import { reasonOf } from 'lowrank/internal';

/** A package in `node_modules`. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

/** A JavaScript file written by a person. */
export interface SourceFile {
  readonly package: InstalledPackage;
  /** Path within the package, with `/`. */
  readonly path: string;
  readonly text: string;
}

const maxBytes = 100_000;
const minBytes = 400; // smaller files often only re-export another
const maxLineLength = 300;
const javascript = /\.(js|cjs|mjs)$/;
const builtFolder = /^(dist|build|umd|min|minified|bundles?|browser|vendor|node_modules|\..*)$/;
const madeByATool =
  /sourceMappingURL=|__esModule|__awaiter|__extends|__webpack|@generated|auto-?generated|generated (by|from)|export \{ _\w+ as default|@babel\/runtime/i;

/**
 * The packages directly in a `node_modules` folder, by name, without symbolic links to local folders.
 *
 * @throws StateError when the folder cannot be read.
 */
export async function installedPackages(nodeModules: string): Promise<InstalledPackage[]> {
  const names: string[] = [];
  for (const name of await foldersIn(nodeModules).catch(cannotRead)) {
    if (!name.startsWith('@')) names.push(name);
    else for (const part of await foldersIn(path.join(nodeModules, name))) names.push(`${name}/${part}`);
  }
  const found = await Promise.all(names.map((name) => readPackage(path.join(nodeModules, name), name)));
  return found.flatMap((entry) => entry ?? []);
}

/** The files of a package worth reviewing, in the order of their paths. */
export async function packageSources(owner: InstalledPackage): Promise<SourceFile[]> {
  const sources: SourceFile[] = [];
  for (const file of await filesBelow(owner.folder, '')) {
    const { size } = await fs.stat(path.join(owner.folder, file));
    if (size < minBytes || size > maxBytes) continue;
    const text = readable(await fs.readFile(path.join(owner.folder, file)));
    if (isWrittenByAPerson(text)) sources.push({ package: owner, path: file, text });
  }
  return sources;
}

/** A number below 2³² that depends only on the text, so that no choice depends on the choices before it. */
export function textHash(text: string): number {
  return createHash('sha1').update(text).digest().readUInt32LE(0);
}

function cannotRead(cause: unknown): never {
  throw new StateError(`cannot read the installed packages (${reasonOf(cause)}): install packages there first`, { cause });
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await fs.readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort(byCodeUnits);
}

async function filesBelow(root: string, below: string): Promise<string[]> {
  const entries = await fs.readdir(path.join(root, below), { withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => byCodeUnits(a.name, b.name))) {
    const relative = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !builtFolder.test(entry.name)) files.push(...(await filesBelow(root, relative)));
    else if (entry.isFile() && javascript.test(entry.name) && !/[.-]min\./.test(entry.name)) files.push(relative);
  }
  return files;
}

async function readPackage(folder: string, name: string): Promise<InstalledPackage | undefined> {
  try {
    const { version } = JSON.parse(await fs.readFile(path.join(folder, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? { name, version, folder } : undefined;
  } catch {
    return undefined; // not a package
  }
}

function readable(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n');
}

function isWrittenByAPerson(text: string): boolean {
  // ESLint counts these line separators and a diff does not, so they would shift every line number.
  if (/[\0\r\u2028\u2029\uFFFD]/.test(text) || madeByATool.test(text)) return false;
  return text.split('\n').every((line) => line.length <= maxLineLength);
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0; // localeCompare would depend on the machine's language
}
