import fs from 'node:fs';
import nodePath from 'node:path';

/** The version of this library. */
export function version(): string {
  const { version: text } = JSON.parse(fs.readFileSync(nodePath.join(__dirname, '../../package.json'), 'utf8')) as { version: string };
  return text;
}
