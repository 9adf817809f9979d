/** Prints, as JSON, the marks of `liveMarks` for the code cells of each notebook. Usage: node mark.ts NOTEBOOK… */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { type LiveMark, liveMarks } from './liveCells.ts';

interface Notebook {
  readonly cells: readonly { readonly cell_type: string; readonly source: string | readonly string[] }[];
}

function marksOf(path: string): (LiveMark | null)[] {
  const { cells } = JSON.parse(readFileSync(path, 'utf8')) as Notebook;
  const isCode = cells.map(({ cell_type }) => cell_type === 'code');
  const marks = liveMarks(cells.filter((_, index) => isCode[index]).map(({ source }) => [source].flat().join('')));
  return isCode.map((is) => (is ? (marks.shift() ?? null) : null));
}

const paths = process.argv.slice(2);
process.stdout.write(JSON.stringify(Object.fromEntries(paths.map((path) => [basename(path, '.ipynb'), marksOf(path)]))));
