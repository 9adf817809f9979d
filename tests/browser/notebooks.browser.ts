import fs from 'node:fs';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { barFaults, watchBars } from './bars';
import { missingTooltips, stillControls } from './charts';
import { chosenNotebooks } from './chosen';
import { type Lab, startLab } from './lab';
import { NotebookPage } from './notebookPage';
import { brightBlocks, pageFaults, tooWide } from './pageFaults';
import { takeScreenshots } from './screenshots';
import { promisedTooltips, shownOutputs, unfinishedCells } from './shown';

const BUILD = path.resolve('build/browser');
const RUN_MINUTES = 40;
const PICTURE_MINUTES = 10;
const all = fs.readdirSync('notebooks').flatMap((name) => (name.endsWith('.ipynb') ? [path.basename(name, '.ipynb')] : []));
const chosen = chosenNotebooks(all.sort(), process.env.ONLY ?? '');

/** Without running a cell: what the committed outputs look like. */
const isOnlyRead = (process.env.LOOK ?? '') !== '';

let lab: Lab;
let browser: Browser;
beforeAll(async () => {
  lab = await startLab(path.join(BUILD, 'course'));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu'] });
});
afterAll(async () => {
  await browser?.close();
  await lab?.stop();
});

describe.for(chosen)('%s', (name) => {
  let notebook: NotebookPage;
  /** Before a control is moved: a figure may grow with its words. */
  let shown: Awaited<ReturnType<typeof shownOutputs>>;
  const complaints: string[] = [];
  beforeAll(async () => {
    notebook = await NotebookPage.open(browser, lab, name, complaints);
  });
  afterAll(() => notebook?.close());

  test('is unchanged when it is only opened and read', async () => {
    await notebook.lookThrough();
    expect(await notebook.isChanged()).toBe(false);
  });

  test('shows what it was committed with', async () => {
    expect(await pageFaults(notebook.page)).toEqual([]);
  });

  test('fits a laptop', async () => {
    await notebook.page.setViewportSize({ width: 1280, height: 800 });
    expect(await tooWide(notebook.page)).toEqual([]);
  });

  test.skipIf(isOnlyRead)(
    'runs from the first cell to the last, with one progress bar in one place',
    { timeout: RUN_MINUTES * 60_000 },
    async () => {
      await watchBars(notebook.page);
      await notebook.runAll(RUN_MINUTES * 60_000);
      expect(await pageFaults(notebook.page)).toEqual([]);
      expect(await unfinishedCells(notebook.page)).toEqual([]);
      expect(await barFaults(notebook.page)).toEqual([]);
    },
  );

  test('has charts that move and that answer the mouse', async () => {
    await notebook.lookThrough();
    shown = await shownOutputs(notebook.page);
    expect(await missingTooltips(notebook.page, await promisedTooltips(notebook.page))).toEqual([]);
    expect(await stillControls(notebook.page)).toEqual([]);
  });

  test('shows the same when it is saved, closed and opened again', async () => {
    await notebook.save();
    await notebook.close();
    notebook = await NotebookPage.open(browser, lab, name, complaints);
    await notebook.lookThrough();
    expect(await shownOutputs(notebook.page)).toEqual(shown);
    expect(await pageFaults(notebook.page)).toEqual([]);
    expect(await notebook.isChanged()).toBe(false);
  });

  test('is read in the light and in the dark, on a large screen and a small one', { timeout: PICTURE_MINUTES * 60_000 }, async () => {
    for (const theme of ['JupyterLab Light', 'JupyterLab Dark'] as const) {
      for (const width of [1440, 1280]) await takeScreenshots(notebook, name, width, theme, BUILD);
    }
    expect(await brightBlocks(notebook.page)).toEqual([]);
  });

  test('asks nothing of a network, and has no error in its console', () => {
    expect(complaints).toEqual([]);
  });
});
