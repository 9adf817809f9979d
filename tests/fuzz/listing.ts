/** What a folder holds. */
import fs from 'node:fs';

/** Every path below a folder. */
export function listing(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true }).map(String);
}
