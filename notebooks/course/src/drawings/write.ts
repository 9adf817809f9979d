/** Writes the drawings into notebooks/drawings. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { DRAWINGS } from '.';
import { toSvg } from './kit/svg';

const FOLDER = path.join(__dirname, '../../../drawings');

async function main(): Promise<void> {
  fs.mkdirSync(FOLDER, { recursive: true });
  for (const [name, draw] of Object.entries(DRAWINGS)) fs.writeFileSync(path.join(FOLDER, `${name}.svg`), toSvg(await draw()));
}

void main();
