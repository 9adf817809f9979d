/** Opens the data files at a path: one file, plain or gzipped, all files in a folder, or those in a zip archive. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FormatError } from 'lowrank';
import { fileFault, isLfsPointer, LFS_REMEDY, namesIn, pathKind, reasonOf, warn } from 'lowrank/internal';
import { openPromise } from 'yauzl';

/** One data file, which can be read once. */
export interface TextSource {
  /** Its path for messages; `archive.zip/file` for a file in a zip archive. */
  readonly file: string;
  /** Its bytes, unpacked and without a byte order mark; the file opens on the first read. */
  readonly bytes: AsyncIterable<Buffer>;
}

const byteOrderMark = Buffer.of(0xef, 0xbb, 0xbf);
const readable = /\.(jsonl|json|csv|tsv)(\.gz)?$/i;
/** Data too, of kinds that are not read. */
const unread = /\.(parquet|arrow|feather|ndjson|xlsx?|(jsonl?|csv|tsv)\.(bz2|xz|zst|lz4)|tar(\.\w+)?|tgz|7z|rar)$/i;

/**
 * Opens one file after another, in the order of their names. Skips files without the name of a data file, except for `path`
 * itself.
 *
 * @throws FormatError when the path contains nothing to read, or an archive is malformed.
 */
export async function* openTexts(path: string): AsyncGenerator<TextSource> {
  let isEmpty = true;
  for await (const text of textsAt(path)) {
    isEmpty = false;
    yield text;
  }
  if (isEmpty) throw new FormatError(`${path}: no .jsonl, .json, .csv or .tsv file in it`);
}

async function* textsAt(path: string): AsyncGenerator<TextSource> {
  const kind = pathKind(path);
  if (kind === undefined) throw new FormatError(`${path}: no such file or folder`);
  if (kind === 'other') throw new FormatError(`${path}: neither a regular file nor a folder`);
  if (kind === 'folder') for (const file of filesIn(path)) yield* textsAt(file);
  else if (/\.zip$/i.test(path)) yield* openArchive(path);
  else if (readable.test(path)) yield source(path, () => fs.createReadStream(path));
  else throw new FormatError(`${path}: not a .jsonl, .csv or .tsv file, plain, gzipped or in a .zip`);
}

const LEFT_OUT = 'left out, for only .jsonl, .json, .csv and .tsv files are read, plain, gzipped or in a .zip';

/** More entries mean a whole disk, or `/proc`, whose links lead to one. */
const MOST_ENTRIES = 50_000;

/** The data files in a folder and its subfolders. Follows links, but reads no folder or file twice, so cycles end. */
function filesIn(root: string): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, isRoot: boolean) => {
    const kind = kindOfEntry(path);
    const isData = kind === 'file' && (readable.test(path) || /\.zip$/i.test(path));
    if (kind === 'file' && unread.test(path)) warn(`${path}: ${LEFT_OUT}`);
    if (kind !== 'folder' && !isData) return;
    const real = fs.realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    if (seen.size > MOST_ENTRIES)
      throw new FormatError(`${root}: more than ${MOST_ENTRIES} files and folders; give the folder of the data`);
    if (isData) found.push(path);
    else for (const name of isRoot ? namesIn(path) : readableNames(path)) visit(nodePath.join(path, name), false);
  };
  visit(root, true);
  return found.sort();
}

/** The kind of an entry; undefined for a broken or circular link. */
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
    warn(`${error.message}; its files are skipped`);
    return [];
  }
}

async function* openArchive(path: string): AsyncGenerator<TextSource> {
  const archive = await openPromise(path, { autoClose: false }).catch((cause) => malformed(path, cause));
  try {
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName.startsWith('__MACOSX/')) continue;
      if (unread.test(entry.fileName) || /\.zip$/i.test(entry.fileName)) warn(`${path}/${entry.fileName}: ${LEFT_OUT}`);
      if (!readable.test(entry.fileName)) continue;
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
  return pipeline(stream, createGunzip(), () => {}); // errors reach the reader of the result; an early end closes both streams
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
  throw new FormatError(`reading ${file} failed (${cause instanceof Error && 'syscall' in cause ? fileFault(cause) : reasonOf(cause)})`, {
    cause,
  });
}
