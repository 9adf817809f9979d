/** The data files behind a path: one file, gzipped or not, the files of a folder, or those in a zip archive. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FormatError } from 'lowrank';
import { fileFault, isLfsPointer, LFS_REMEDY, namesIn, pathKind, reasonOf } from 'lowrank/internal';
import { openPromise } from 'yauzl';

/** One data file, to be read once. */
export interface TextSource {
  /** Its path, for messages; for a file inside a zip archive `archive.zip/file`. */
  readonly file: string;
  /** Its bytes as they come, unpacked and without a byte order mark; opened when the first are asked for. */
  readonly bytes: AsyncIterable<Buffer>;
}

const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);
const readable = /\.(jsonl|json|csv|tsv)(\.gz)?$/i;

/**
 * Opens one file after the other, in the order of their names; what is no data file by its name is passed over, except where it is
 * the path itself.
 *
 * @throws FormatError when there is nothing to read at the path, or an archive is malformed.
 */
export async function* openTexts(path: string): AsyncGenerator<TextSource> {
  const kind = pathKind(path);
  if (kind === undefined) throw new FormatError(`${path}: there is no such file or folder`);
  if (kind === 'other') throw new FormatError(`${path}: this is neither a regular file nor a folder`);
  if (kind === 'folder') yield* openFolder(path);
  else if (/\.zip$/i.test(path)) yield* openArchive(path);
  else if (readable.test(path)) yield source(path, () => fs.createReadStream(path));
  else throw new FormatError(`${path}: this is no .jsonl, .csv or .tsv file, plain, gzipped or inside a .zip`);
}

async function* openFolder(folder: string): AsyncGenerator<TextSource> {
  const files = filesIn(folder);
  if (files.length === 0) throw new FormatError(`${folder}: no .jsonl, .csv, .tsv or .zip file is in this folder`);
  for (const file of files) yield* openTexts(file);
}

/** The data files in a folder and those below it. Links are followed, but no folder or file is read twice, so that none leads back. */
function filesIn(root: string): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, isRoot: boolean) => {
    const kind = kindOfEntry(path);
    const isData = kind === 'file' && (readable.test(path) || /\.zip$/i.test(path));
    if (kind !== 'folder' && !isData) return;
    const real = fs.realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    if (isData) found.push(path);
    else for (const name of isRoot ? namesIn(path) : readableNames(path)) visit(nodePath.join(path, name), false);
  };
  visit(root, true);
  return found.sort();
}

/** A link that leads nowhere, or round in a circle, is no file. */
function kindOfEntry(path: string): ReturnType<typeof pathKind> {
  try {
    return pathKind(path);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function readableNames(folder: string): string[] {
  try {
    return namesIn(folder);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    console.warn(`${error.message}; its files are left out`);
    return [];
  }
}

async function* openArchive(path: string): AsyncGenerator<TextSource> {
  const archive = await openPromise(path, { autoClose: false }).catch((cause) => malformed(path, cause));
  try {
    for await (const entry of archive.eachEntry()) {
      if (!readable.test(entry.fileName) || entry.fileName.startsWith('__MACOSX/')) continue;
      yield source(`${path}/${entry.fileName}`, () => archive.openReadStreamPromise(entry));
    }
  } catch (cause) {
    malformed(path, cause);
  } finally {
    archive.close();
  }
}

type Open = () => NodeJS.ReadableStream | Promise<NodeJS.ReadableStream>;

function source(file: string, open: Open): TextSource {
  return { file, bytes: bytesOf(file, /\.gz$/i.test(file) ? async () => unpacked(await open()) : open) };
}

function unpacked(stream: NodeJS.ReadableStream): NodeJS.ReadableStream {
  return pipeline(stream, createGunzip(), () => {}); // whoever reads the result meets the errors; an early end closes both
}

async function* bytesOf(file: string, open: Open): AsyncGenerator<Buffer> {
  try {
    let isFirst = true;
    for await (const chunk of await open()) {
      const bytes = Buffer.from(chunk);
      if (isFirst && isLfsPointer(bytes)) throw new FormatError(`${file}: ${LFS_REMEDY}`);
      yield isFirst && bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
      isFirst = false;
    }
  } catch (cause) {
    malformed(file, cause);
  }
}

function malformed(file: string, cause: unknown): never {
  if (cause instanceof FormatError) throw cause;
  throw new FormatError(`${file} cannot be read to its end (${isNodeError(cause) ? fileFault(cause) : reasonOf(cause)})`, { cause });
}

function isNodeError(cause: unknown): boolean {
  return cause instanceof Error && 'syscall' in cause;
}
