import { readdirSync, readFileSync } from 'node:fs';
import nodePath from 'node:path';
import { describe, expect, test } from 'vitest';
import { textFaults } from '../../notebook/svgTexts';

const FOLDER = nodePath.join(import.meta.dirname, '../../../notebooks');

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

/** What a screen of 1280 px leaves a figure in JupyterLab, beside the list of files and the figure's own menu. */
const WIDEST = 803;

test('no figure is wider than its place on a small screen', () => {
  const widths = figures.map(({ name, svg }) => ({ name, width: Number(/ width="([\d.]+)"/.exec(svg)?.[1]) }));
  expect(widths.filter(({ width }) => !(width <= WIDEST))).toEqual([]);
});
