/** Pictures of an open notebook, for people to look at. */
import fs from 'node:fs';
import path from 'node:path';
import type { NotebookPage, Theme } from './notebookPage';

/** What a screen shows of a notebook at a time; pictures of whole notebooks would be too long to look at. */
const HEIGHT = 1800;
const SCROLLED = '.jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer';

/** Writes the notebook from top to bottom as `NAME-WIDTH-THEME-01.png` and so on, into `folder`. */
export async function takeScreenshots(notebook: NotebookPage, name: string, width: number, theme: Theme, folder: string): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const { page } = notebook;
  await page.setViewportSize({ width, height: HEIGHT });
  await notebook.setTheme(theme);
  await notebook.lookThrough();
  const place = page.locator(SCROLLED);
  for (let part = 1; ; part++) {
    const number = String(part).padStart(2, '0');
    await page.screenshot({ path: path.join(folder, `${name}-${width}-${theme === 'JupyterLab Dark' ? 'dark' : 'light'}-${number}.png`) });
    const isEnd = await place.evaluate((own) => {
      const before = own.scrollTop;
      own.scrollTop += own.clientHeight - 40;
      return own.scrollTop === before;
    });
    if (isEnd) break;
    await page.waitForTimeout(150); // for what comes into view to be painted
  }
}
