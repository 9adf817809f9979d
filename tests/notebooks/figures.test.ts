import { readdirSync, readFileSync } from 'node:fs';
import nodePath from 'node:path';
import { describe, expect, test } from 'vitest';
import { textFaults } from '../notebook/svgTexts';

const FOLDER = nodePath.join(import.meta.dirname, '../../notebooks');

interface Notebook {
  readonly cells: readonly { readonly outputs?: readonly { readonly data?: Readonly<Record<string, unknown>> }[] }[];
}

const figures = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.ipynb'))
  .flatMap((file) => {
    const notebook = nodePath.parse(file).name;
    const { cells } = JSON.parse(readFileSync(nodePath.join(FOLDER, file), 'utf8')) as Notebook;
    return cells.flatMap(({ outputs = [] }, cell) =>
      outputs.flatMap(({ data = {} }) => {
        const svg = data['image/svg+xml'];
        if (svg === undefined) return [];
        return [{ name: `${notebook}[${cell}]`, svg: [svg].flat().join('') }];
      }),
    );
  });

describe('with DejaVu Sans, no text is cut or overlaps another', () => {
  test.each(figures)('$name', ({ svg }) => {
    expect(textFaults(svg)).toEqual([]);
  });
});
