/** Watches the progress bars of an open notebook while its cells run. */
import type { Page } from 'playwright-core';

declare global {
  interface Window {
    barsWatched?: { mostAtOnce: number; mostOfACell: number };
  }
}

/** Begins to count the bars that stand in the notebook. */
export async function watchBars(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen = { mostAtOnce: 0, mostOfACell: 0 };
    window.barsWatched = seen;
    const look = () => {
      const bars = [...document.querySelectorAll('.jp-Notebook progress')];
      const places = bars.map((bar) => bar.closest('.jp-Cell'));
      seen.mostAtOnce = Math.max(seen.mostAtOnce, bars.length);
      for (const place of new Set(places)) seen.mostOfACell = Math.max(seen.mostOfACell, places.filter((each) => each === place).length);
    };
    const notebook = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
    if (notebook) new MutationObserver(look).observe(notebook, { childList: true, subtree: true });
  });
}

/** What was wrong with them: only one piece of work runs at a time, and its bar is renewed in its place. */
export async function barFaults(page: Page): Promise<string[]> {
  const { mostAtOnce, mostOfACell } = await page.evaluate(() => window.barsWatched ?? { mostAtOnce: 0, mostOfACell: 0 });
  const found: string[] = [];
  if (mostOfACell > 1) found.push(`${mostOfACell} progress bars below one cell`);
  if (mostAtOnce > 1) found.push(`${mostAtOnce} progress bars at once`);
  return found;
}
