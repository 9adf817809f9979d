/**
 * Opens every page of the site in a browser, from the disk, and prints what is wrong with it.
 *
 * Usage: node browser.mjs SITE TOOLS CHROMIUM, where TOOLS holds the packages of docs/site/package.json.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fileFaults, liveFaults, stopFaults } from './liveCells.mjs';

const [site, tools, executablePath] = process.argv.slice(2);
const toolbox = createRequire(path.resolve(tools, 'package.json'));
const { chromium } = toolbox('playwright-core');
const axe = fs.readFileSync(toolbox.resolve('axe-core/axe.min.js'), 'utf8');
const only = process.argv[5];
const pages = ['', 'docs/']
  .flatMap((folder) => fs.readdirSync(path.join(site, folder)).map((name) => folder + name))
  .filter((name) => name.endsWith('.html') && (!only || name.includes(only)));
const faults = [];

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const waiting = [...pages];
  const work = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      for (const fault of await faultsOf(name)) faults.push(`${name}: ${fault}`);
    }
  };
  await Promise.all([work(), work()]);
  faults.push(...(await searchFaults()), ...(await faultsOfCells()));
} finally {
  await browser.close();
}
console.log(faults.length > 0 ? [...new Set(faults)].sort().join('\n') : `${pages.length} pages: nothing found`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** A page that notes what it is told and what it asks for. */
async function opened(name, noted, settings) {
  const context = await browser.newContext(settings);
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && noted.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => noted.push(`script: ${error.message}`));
  page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || noted.push(`asks for ${request.url()}`));
  const [file, query = ''] = name.split('?');
  await page.goto(`${pathToFileURL(path.resolve(site, file)).href}?${query}`, { waitUntil: 'load' });
  return page;
}

async function faultsOf(name) {
  const noted = [];
  const page = await opened(name, noted, { viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
  await drawnFigures(page);
  const left = await page.locator('figure.vega > img').count();
  if (left > 0) noted.push(`${left} figures do not move`);
  noted.push(...(await unlabelled(page)), ...(await still(page)));
  await page.evaluate(axe);
  noted.push(...(await violations(page, 'light', {})));
  noted.push(...(await violations(page, 'dark', { runOnly: ['color-contrast'] }))); // nothing else differs
  const bright = await page.locator('div.cell_output .text_html').evaluateAll((all) => {
    return all.filter((each) => getComputedStyle(each).backgroundColor !== 'rgba(0, 0, 0, 0)').length;
  });
  if (bright > 0) noted.push(`${bright} outputs have a background of their own in the dark`);
  await page.setViewportSize({ width: 390, height: 844 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (overflow > 0) noted.push(`scrolls ${overflow} px sideways at 390 px`);
  await page.context().close();
  return noted;
}

/** Looks at each figure, since figures are drawn where they are seen, and waits for the formulas. */
async function drawnFigures(page) {
  const figures = page.locator('figure.vega');
  for (let index = 0; index < (await figures.count()); index++) {
    const figure = figures.nth(index);
    await figure.scrollIntoViewIfNeeded();
    await figure
      .locator('.moving-figure svg')
      .first()
      .waitFor({ timeout: 30_000 })
      .catch(() => {});
  }
  const isTypeset = () => document.querySelectorAll('.math:not(:has(mjx-container))').length === 0;
  await page.waitForFunction(isTypeset, undefined, { timeout: 30_000 }).catch(() => {});
}

/** Sliders and lists that change nothing in their figure. */
async function still(page) {
  const noted = [];
  for (const control of await page.locator('.vega-bind :is(input[type=range], select)').all()) {
    const drawing = () => control.evaluate((own) => own.closest('.moving-figure').querySelector('svg').innerHTML);
    const before = await drawing();
    await control.evaluate((own) => {
      const all = own.matches('select') ? Array.from(own.options, ({ value }) => value) : [own.min, own.max];
      own.value = all.find((value) => value !== own.value) ?? own.value;
      for (const kind of ['input', 'change']) own.dispatchEvent(new Event(kind, { bubbles: true }));
    });
    await page.waitForTimeout(200);
    if ((await drawing()) === before)
      noted.push(`a control moves nothing: ${await control.evaluate((own) => own.closest('.vega-bind').textContent)}`);
  }
  return noted;
}

/** Figures without a sentence, and formulas that are not typeset. */
function unlabelled(page) {
  return page.evaluate(() => [
    ...[...document.querySelectorAll('figure.vega')]
      .filter((figure) => (figure.querySelector('figcaption')?.textContent ?? '').length < 20)
      .map(() => 'a figure has no sentence'),
    ...[...document.querySelectorAll('.math:not(:has(mjx-container))')].map(
      ({ textContent }) => `not typeset: ${textContent.slice(0, 60)}`,
    ),
  ]);
}

/** What axe finds in one of the two themes. */
async function violations(page, theme, options) {
  await page.evaluate((own) => Object.assign(document.documentElement.dataset, { theme: own, mode: own }), theme);
  // What is one picture to a reader is one to the check: the insides of figures and formulas have thousands of nodes.
  const found = await page.evaluate(
    (own) => window.axe.run({ exclude: ['.moving-figure svg', 'mjx-container'] }, { resultTypes: ['violations'], preload: false, ...own }),
    options,
  );
  return found.violations.map(({ id, help, nodes }) => {
    return `axe, ${theme}: ${id} (${help}), ${nodes.length} times, first ${nodes[0].html.replace(/\s+/g, ' ').slice(0, 120)}`;
  });
}

/** Runs the cells of the pages that run some; what is wrong with these pages then. */
async function faultsOfCells() {
  const found = [];
  for (const name of pages.filter((each) => fs.readFileSync(path.join(site, each), 'utf8').includes('id="live-cells"'))) {
    const noted = [];
    const page = await opened(name, noted, { viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    const notebook = path.join('notebooks', name.replace('.html', '.ipynb'));
    noted.push(...(await liveFaults(page, fs.existsSync(notebook) ? notebook : undefined)));
    if (name === 'tiny-model.html') noted.push(...(await fileFaults(page)));
    await page.getByRole('button', { name: 'Edit', exact: true }).first().click();
    await page.locator('.cm-content').first().waitFor();
    await page.evaluate(axe);
    noted.push(...(await violations(page, 'light', {})));
    noted.push(...(await violations(page, 'dark', { runOnly: ['color-contrast'] })));
    await page.setViewportSize({ width: 390, height: 844 });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (overflow > 0) noted.push(`scrolls ${overflow} px sideways at 390 px`);
    noted.push(...(await stopFaults(page)));
    await page.context().close();
    found.push(...noted.map((fault) => `${name}, run: ${fault}`));
  }
  return found;
}

/** The search must find a word without a server. */
async function searchFaults() {
  const noted = [];
  const page = await opened('search.html?q=LoRA', noted);
  await page.waitForSelector('ul.search li', { timeout: 10_000 }).catch(() => noted.push("search.html: 'LoRA' is not found"));
  await page.context().close();
  return noted;
}
