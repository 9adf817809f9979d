/** Caches a data set in a folder, with checksums against damage. */
import { existsSync, promises as fs } from 'node:fs';
import path from 'node:path';
import { isCode, makeFolder, reasonOf, sha256, warn } from 'lowrank/internal';
import type { ReviewExample, ReviewSplits } from '../reviewExample';

const PARTS = ['train', 'validation', 'test'] as const;
const CHECKSUMS = 'sha256.json';

/** The cached data set; undefined if there is none, or, with a warning, if it is damaged. */
export async function readSplits(folder: string): Promise<ReviewSplits | undefined> {
  if (!existsSync(folder)) return undefined;
  try {
    const checksums = JSON.parse(await fs.readFile(path.join(folder, CHECKSUMS), 'utf8')) as Record<string, unknown>;
    const [train, validation, test] = await Promise.all(PARTS.map((part) => readPart(folder, part, checksums[part])));
    return train && validation && test && { train, validation, test };
  } catch (error) {
    warn(`the lint reviews in ${folder} are damaged (${reasonOf(error)}) and will be made again`);
    await fs.rm(folder, { recursive: true, force: true }).catch(() => {});
    return undefined;
  }
}

async function readPart(folder: string, part: string, checksum: unknown): Promise<ReviewExample[]> {
  const text = await fs.readFile(path.join(folder, fileOf(part)), 'utf8');
  if (sha256(text) !== checksum) throw new Error(`${fileOf(part)} does not match its checksum`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ReviewExample);
}

/**
 * Caches a data set. It is written to a temporary folder and then renamed, so the cache folder is either complete or absent. If the
 * disk is full or read-only, this warns and caches nothing.
 */
export async function keepSplits(folder: string, splits: ReviewSplits): Promise<void> {
  let draft: string | undefined;
  try {
    makeFolder(path.dirname(folder));
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
    if (isCode(error, 'ENOTEMPTY') || isCode(error, 'EEXIST')) return; // another process finished first, with the same examples
    warn(`the lint reviews cannot be saved in ${folder} (${reasonOf(error)}), so each run makes them again; check the free space there`);
  }
}

function fileOf(part: string): string {
  return `${part}.jsonl`;
}
