import type { Browser, Page } from 'playwright-core';
import type { Lab } from './lab';

export type Theme = 'JupyterLab Light' | 'JupyterLab Dark';

/** Names a notebook's panel; it fails where another one is in front. */
const PANEL = '.jp-NotebookPanel:not(.lm-mod-hidden)';
const KERNEL_MILLISECONDS = 60_000;

/** A notebook that is open in the JupyterLab of one browser window. */
export class NotebookPage {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens a notebook in a window of its own, and waits for its kernel. What the page complains of goes into `complaints`. */
  static async open(browser: Browser, lab: Lab, notebook: string, complaints: string[]): Promise<NotebookPage> {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const address = lab.address(notebook);
    listen(page, new URL(address).origin, complaints);
    await page.goto(address);
    await page.waitForSelector(`${PANEL} .jp-Cell`, { timeout: KERNEL_MILLISECONDS });
    const opened = new NotebookPage(page);
    await opened.idle(KERNEL_MILLISECONDS);
    return opened;
  }

  /** Waits until the kernel has nothing to do and no cell waits for it. */
  async idle(timeout: number): Promise<void> {
    const isIdle = () => {
      const panel = window.jupyterapp?.shell.currentWidget;
      if (panel?.sessionContext.session?.kernel?.status !== 'idle' || !panel.context.isReady) return false;
      return panel.content.widgets.every(({ model }) => model.executionState !== 'running');
    };
    await this.page.waitForFunction(isIdle, undefined, { timeout, polling: 200 });
  }

  /** Chooses an entry of the menu bar, such as 'Run', 'Run All Cells'. */
  async choose(menu: string, entry: string): Promise<void> {
    await this.page.locator('.lm-MenuBar-item', { hasText: new RegExp(`^${menu}$`) }).click();
    await this.page.locator('.lm-Menu-item:visible', { has: this.page.getByText(entry, { exact: true }) }).click();
  }

  /** Runs all cells, and waits for the last one, or for an error. */
  async runAll(timeout: number): Promise<void> {
    await this.choose('Run', 'Run All Cells');
    await this.idle(timeout);
  }

  /** Restarts the kernel and runs all cells, as the menu has it, and waits for the last one. */
  async restartAndRunAll(timeout: number): Promise<void> {
    await this.choose('Kernel', 'Restart Kernel and Run All Cells…');
    await this.page.locator('.jp-Dialog .jp-mod-accept').click();
    const hasBegun = () => window.jupyterapp?.shell.currentWidget?.content.widgets.some(({ model }) => model.executionState === 'running');
    await this.page.waitForFunction(hasBegun, undefined, { timeout: KERNEL_MILLISECONDS, polling: 50 });
    await this.idle(timeout);
  }

  async save(): Promise<void> {
    await this.page.evaluate(() => window.jupyterapp?.commands.execute('docmanager:save'));
    await this.page.waitForFunction(() => window.jupyterapp?.shell.currentWidget?.content.model.dirty === false);
  }

  async setTheme(theme: Theme): Promise<void> {
    await this.page.evaluate((own) => window.jupyterapp?.commands.execute('apputils:change-theme', { theme: own }), theme);
    const isLight = String(theme === 'JupyterLab Light');
    await this.page.waitForFunction((own) => document.body.dataset.jpThemeLight === own, isLight);
  }

  /** Whether the notebook differs from its file, as the dot on its tab says. */
  isChanged(): Promise<boolean | undefined> {
    return this.page.evaluate(() => window.jupyterapp?.shell.currentWidget?.content.model.dirty);
  }

  /** Looks at every cell from the first to the last, since the page draws what is seen, and waits for charts and formulas. */
  async lookThrough(): Promise<void> {
    const cells = this.page.locator(`${PANEL} .jp-Notebook .jp-Cell`);
    for (let index = 0; index < (await cells.count()); index++) await cells.nth(index).evaluate((cell) => cell.scrollIntoView());
    const isDrawn = () =>
      [...document.querySelectorAll('.jp-RenderedVegaCommon5')].every((chart) => chart.querySelector('canvas, svg.marks')) &&
      [...document.querySelectorAll('.jp-Notebook img')].every((image) => image instanceof HTMLImageElement && image.complete);
    await this.page.waitForFunction(isDrawn, undefined, { timeout: 30_000 });
    await cells.first().evaluate((cell) => cell.scrollIntoView());
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}

/** Notes errors of a page's scripts, and what it asks of any other place than `root`. */
function listen(page: Page, root: string, complaints: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(root) && !/^(data|blob):/.test(request.url())) complaints.push(`asks for ${request.url()}`);
  });
}
