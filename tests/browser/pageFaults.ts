/** What a person would see is wrong with an open notebook. Each function looks at the page, and returns a line for each fault. */
import type { Page } from 'playwright-core';

/** All faults that a notebook can have whether it was just run or only opened. */
export async function pageFaults(page: Page): Promise<string[]> {
  const checks = [missingOutputs, redOutput, rawFormulas, missingPictures, emptyCharts, crookedTables, openAnswers, leftBars];
  const found: string[] = [];
  for (const check of checks) found.push(...(await check(page)));
  return found;
}

/** Outputs that the notebook holds and the page does not show. */
function missingOutputs(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const content = window.jupyterapp?.shell.currentWidget?.content;
    const saved = content?.model.toJSON().cells ?? [];
    return (content?.widgets ?? []).flatMap(({ node, outputHidden }, index) => {
      const held = saved[index]?.outputs?.length ?? 0;
      const shown = node.querySelectorAll('.jp-OutputArea-output').length;
      return outputHidden || shown >= held ? [] : [`cell ${index + 1} shows ${shown} of ${held} outputs`];
    });
  });
}

/** Errors and what was written to stderr, which JupyterLab shows in red. */
function redOutput(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('.jp-Notebook [data-mime-type$=".stderr"], .jp-Notebook [data-mime-type$=".error"]')].map(
      ({ textContent }) => `red output: ${textContent?.trim().slice(0, 200)}`,
    ),
  );
}

/** Formulas that are still TeX, or that MathJax refuses. */
function rawFormulas(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found = [...document.querySelectorAll('.jp-Notebook mjx-merror')].map(({ textContent }) => `no formula: ${textContent}`);
    for (const text of document.querySelectorAll('.jp-Notebook .jp-MarkdownOutput')) {
      const copy = text.cloneNode(true) as Element;
      for (const other of copy.querySelectorAll('code, pre, mjx-container, svg')) other.remove();
      const raw = /\$[^$\n]+\$|\\[([]|\\begin\{/.exec(copy.textContent ?? '');
      if (raw) found.push(`a formula as TeX: ${raw[0].slice(0, 80)}`);
    }
    return found;
  });
}

/** Drawings that do not load. */
function missingPictures(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLImageElement>('.jp-Notebook img')]
      .filter(({ naturalWidth }) => naturalWidth === 0)
      .map(({ src }) => `no picture: ${src.replace(/\?.*/, '')}`),
  );
}

/** Charts without a drawing, or with one that shows nothing. */
function emptyCharts(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('.jp-RenderedVegaCommon5')].flatMap((chart, index) => {
      const canvas = chart.querySelector('canvas');
      if (!canvas) return chart.querySelector('svg.marks') ? [] : [`chart ${index + 1} is not drawn: ${chart.textContent?.slice(0, 200)}`];
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray();
      for (let at = 3; at < pixels.length; at += 4) if (pixels[at] !== 0) return [];
      return [`chart ${index + 1} is empty`];
    }),
  );
}

/** Tables whose rows differ in length, or whose heads are not aligned as their columns. */
function crookedTables(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLTableElement>('.jp-OutputArea table')].flatMap((table) => {
      const name = table.caption?.textContent ?? table.rows[0]?.textContent ?? '';
      const [head, ...rows] = [...table.rows].map((row) => [...row.cells].map((cell) => getComputedStyle(cell).textAlign));
      if (!head || rows.length === 0) return [`an empty table: ${name}`];
      const isStraight = rows.every((row) => row.length === head.length && row.every((align, column) => align === head[column]));
      return isStraight ? [] : [`a table that is not aligned: ${name}`];
    }),
  );
}

/** Solutions that are shown before the reader asks for them. JupyterLab shows what a folded cell prints once the cell was run. */
function openAnswers(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    (window.jupyterapp?.shell.currentWidget?.content.widgets ?? []).flatMap((cell, index) => {
      const tags = cell.model.getMetadata('tags');
      const isAnswer = Array.isArray(tags) && tags.includes('solution');
      const isFolded = cell.inputHidden && (cell.outputHidden || typeof cell.model.executionCount === 'number');
      return isAnswer && !isFolded ? [`the answer in cell ${index + 1} is not folded`] : [];
    }),
  );
}

/** Progress bars of work that is done. */
function leftBars(page: Page): Promise<string[]> {
  return page.evaluate(() => [...document.querySelectorAll('.jp-Notebook progress')].map(() => 'a progress bar is left'));
}

/** Outputs and text that are wider than their place, which a reader has to scroll; each is looked at while it is in view. */
export function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const found: string[] = [];
    const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    for (const [index, { node }] of (window.jupyterapp?.shell.currentWidget?.content.widgets ?? []).entries()) {
      node.scrollIntoView();
      await painted();
      for (const place of node.querySelectorAll('.jp-OutputArea-output, .jp-MarkdownOutput')) {
        const excess = place.scrollWidth - place.clientWidth;
        if (excess > 1) found.push(`cell ${index + 1} is ${excess} px too wide`);
      }
    }
    return found;
  });
}

/** Blocks that are bright in the dark theme. */
export function brightBlocks(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const places = document.querySelectorAll<HTMLElement>('.jp-Notebook .jp-OutputArea-output *, .jp-Notebook .jp-MarkdownOutput *');
    const found = [...places].filter((place) => {
      const [red = 0, green = 0, blue = 0, alpha = 1] =
        getComputedStyle(place)
          .backgroundColor.match(/[\d.]+/g)
          ?.map(Number) ?? [];
      const { width, height } = place.getBoundingClientRect();
      const isButton = place.matches('.vega-embed summary'); // a small one, and a fifth as bright where the mouse is not
      return alpha > 0.5 && Math.min(red, green, blue) > 160 && width * height > 400 && !isButton;
    });
    return found.map((place) => `bright in the dark: ${place.outerHTML.slice(0, 120)}`);
  });
}
