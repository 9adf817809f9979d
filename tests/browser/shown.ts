/** What an open notebook shows, as far as it must be the same after it was saved and opened again. */
import type { Page } from 'playwright-core';

/** The outputs of a cell: their kinds, and their text, or the size of their chart or picture. */
export function shownOutputs(page: Page): Promise<string[][]> {
  return page.evaluate(() =>
    (window.jupyterapp?.shell.currentWidget?.content.widgets ?? []).map(({ node }) =>
      [...node.querySelectorAll<HTMLElement>('.jp-OutputArea-output')].map((output) => {
        const drawing = output.querySelector<HTMLElement>('canvas, svg.marks, img');
        const content = drawing ? `${drawing.offsetWidth} × ${drawing.offsetHeight} px` : output.textContent;
        return `${output.dataset.mimeType}: ${content}`;
      }),
    ),
  );
}

/** For each chart, whether its specification promises a tooltip. */
export function promisedTooltips(page: Page): Promise<boolean[]> {
  return page.evaluate(() =>
    (window.jupyterapp?.shell.currentWidget?.content.model.toJSON().cells ?? [])
      .flatMap(({ outputs }) => outputs ?? [])
      .flatMap(({ data }) => data?.['application/vnd.vegalite.v5+json'] ?? [])
      .map((spec) => JSON.stringify(spec).includes('"tooltip"')),
  );
}

/** Cells of code that were not run to their end. */
export function unfinishedCells(page: Page): Promise<number[]> {
  return page.evaluate(() =>
    (window.jupyterapp?.shell.currentWidget?.content.widgets ?? []).flatMap(({ model }, index) =>
      model.type === 'code' && typeof model.executionCount !== 'number' ? [index + 1] : [],
    ),
  );
}
