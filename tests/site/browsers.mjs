/** The browsers that look at the site: the Chromium and the Firefox of this machine, as they are installed. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Firefox is driven over WebDriver BiDi, and knows no media to emulate there. */
const FIREFOX_MEDIA = { colorScheme: null, reducedMotion: null, forcedColors: null, contrast: null };

/**
 * A started browser whose pages note what they are told and what they ask for.
 *
 * @param kind - `chromium` or `firefox`
 * @param executablePath - its program
 * @param tools - the folder with the packages of docs/site/packages/package.json
 * @param site - the folder of the site, whose pages are opened from the disk
 */
export async function launched(kind, executablePath, tools, site) {
  const playwright = createRequire(path.resolve(tools, 'package.json'))('playwright-core');
  const settings = kind === 'firefox' ? { channel: 'moz-firefox' } : { args: ['--no-sandbox', '--disable-gpu'] };
  const browser = await playwright[kind].launch({ executablePath, ...settings });

  /** Opens a page at the size of a laptop; `prepare` runs before its own scripts. */
  async function opened(name, noted, prepare) {
    const media = kind === 'firefox' ? FIREFOX_MEDIA : { reducedMotion: 'reduce' };
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...media });
    const page = await context.newPage();
    if (prepare) await page.addInitScript(prepare);
    page.on('console', (message) => message.type() === 'error' && noted.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => noted.push(`script: ${error.message}`));
    page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || noted.push(`asks for ${request.url()}`));
    const [file, query = ''] = name.split('?');
    await page.goto(`${pathToFileURL(path.resolve(site, file)).href}?${query}`, { waitUntil: 'load' });
    return page;
  }
  return { kind, version: browser.version(), opened, close: () => browser.close() };
}

/** The pages of the site, by their paths in it. */
export function pagesOf(site) {
  return ['', 'docs/']
    .flatMap((folder) => fs.readdirSync(path.join(site, folder)).map((name) => folder + name))
    .filter((name) => name.endsWith('.html'));
}

/** Whether cells run in a page. */
export function isLive(site, name) {
  return fs.readFileSync(path.join(site, name), 'utf8').includes('id="live-cells"');
}

/** The notebook that a page is made of, where it is of one. */
export function notebookOf(name) {
  const notebook = path.join('notebooks', name.replace('.html', '.ipynb'));
  return fs.existsSync(notebook) ? notebook : undefined;
}
