/** A data set kept in a folder, with checksums that tell whether all of it is there. */
import { createHash } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { reasonOf, warn } from 'lowrank/internal';
import type { ReviewExample, ReviewSplits } from '../reviewExample';

const PARTS = ['train', 'validation', 'test'] as const;
const CHECKSUMS = 'sha256.json';

/** What is kept in the folder; undefined where nothing is, and where it is damaged, which is said. */
export async function readSplits(folder: string): Promise<ReviewSplits | undefined> {
  const isThere = await fs.stat(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  try {
    const checksums = JSON.parse(await fs.readFile(path.join(folder, CHECKSUMS), 'utf8')) as Record<string, unknown>;
    const [train, validation, test] = await Promise.all(PARTS.map((part) => readPart(folder, part, checksums[part])));
    return train && validation && test && { train, validation, test };
  } catch (error) {
    warn(`the lint reviews in ${folder} are damaged (${reasonOf(error)}): they are made again`);
    await fs.rm(folder, { recursive: true, force: true }).catch(() => {});
    return undefined;
  }
}

async function readPart(folder: string, part: string, checksum: unknown): Promise<ReviewExample[]> {
  const text = await fs.readFile(path.join(folder, fileOf(part)), 'utf8');
  if (sha256(text) !== checksum) throw new Error(`${fileOf(part)} does not have its checksum`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReviewExample);
}

/**
 * Keeps a data set: it is written beside its place and moved there, so that the folder is whole or absent. A disk that refuses, because it is
 * full or may not be written to, is warned of, and nothing is kept.
 */
export async function keepSplits(folder: string, splits: ReviewSplits): Promise<void> {
  let draft: string | undefined;
  try {
    await fs.mkdir(path.dirname(folder), { recursive: true });
    draft = await fs.mkdtemp(`${folder}-`);
    const checksums: Record<string, string> = {};
    for (const part of PARTS) {
      const text = splits[part].map((example) => `${JSON.stringify(example)}\n`).join('');
      checksums[part] = sha256(text);
      await fs.writeFile(path.join(draft, fileOf(part)), text);
    }
    await fs.writeFile(path.join(draft, CHECKSUMS), `${JSON.stringify(checksums, null, 2)}\n`);
    await fs.rename(draft, folder);
  } catch (error) {
    if (draft !== undefined) await fs.rm(draft, { recursive: true, force: true });
    if (isFolderInTheWay(error)) return; // another process was faster, with the same examples
    warn(`the lint reviews cannot be kept in ${folder} (${reasonOf(error)}): they are made anew each time; check the free space there`);
  }
}

function fileOf(part: string): string {
  return `${part}.jsonl`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function isFolderInTheWay(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}
