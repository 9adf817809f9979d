import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { afterAll } from 'vitest';

/** A folder of this test file's own, removed when it ends; gives paths in it. */
export function temporaryFolder(): (name: string) => string {
  const folder = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'lowrank-'));
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
  return (name) => nodePath.join(folder, name);
}
