/**
 * Opens every page of the site in a browser, from the disk, runs the cells that run in pages, and prints what is wrong.
 *
 * Usage: node browser.mjs SITE TOOLS KIND PROGRAM [ONLY], where TOOLS holds the packages of docs/site/packages/package.json, KIND is `chromium` or
 * `firefox`, PROGRAM is its path, and ONLY is a part of the names of the pages to open. Accessibility and the controls of figures are
 * looked at in Chromium alone: they are of the page, not of the browser.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { isLive, launched, notebookOf, pagesOf } from './browsers.mjs';
import { fileFaults, liveFaults, stopFaults } from './liveCells.mjs';
import { accessFaults, brightFaults, controlFaults, drawingFaults, phoneFaults } from './pageFaults.mjs';
import { weakDeviceFaults } from './weakDevice.mjs';

const [site, tools, kind, program, only = ''] = process.argv.slice(2);
const axe = fs.readFileSync(createRequire(path.resolve(tools, 'package.json')).resolve('axe-core/axe.min.js'), 'utf8');
const looksAtAll = kind === 'chromium';
const pages = pagesOf(site).filter((name) => name.includes(only));
const faults = [];

const browser = await launched(kind, program, tools, site);
try {
  const waiting = [...pages];
  const work = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      for (const fault of await faultsOf(name)) faults.push(`${name}: ${fault}`);
    }
  };
  await Promise.all([work(), work()]);
  faults.push(...(await searchFaults()));
  for (const name of pages.filter((each) => isLive(site, each))) {
    for (const fault of await faultsOfCells(name)) faults.push(`${name}, run: ${fault}`);
  }
} finally {
  await browser.close();
}
console.log(
  faults.length > 0 ? [...new Set(faults)].sort().join('\n') : `site: ${pages.length} pages in ${kind} ${browser.version}: nothing found`,
);
process.exitCode = faults.length > 0 ? 1 : 0;

async function faultsOf(name) {
  const noted = [];
  const page = await browser.opened(name, noted);
  noted.push(...(await drawingFaults(page)));
  if (looksAtAll) {
    noted.push(...(await controlFaults(page)), ...(await accessFaults(page, axe, 'light')), ...(await accessFaults(page, axe, 'dark')));
    noted.push(...(await brightFaults(page)));
  }
  noted.push(...(await phoneFaults(page)));
  await page.context().close();
  return noted;
}

/** Runs the cells of a page that runs some; what is wrong with the page then. */
async function faultsOfCells(name) {
  const noted = [];
  const page = await browser.opened(name, noted);
  noted.push(...(await liveFaults(page, notebookOf(name))));
  if (name === 'tiny-model.html') noted.push(...(await fileFaults(page)), ...(await weakDeviceFaults(browser, name)));
  await page.getByRole('button', { name: 'Edit', exact: true }).first().click();
  await page.locator('.cm-content').first().waitFor();
  if (looksAtAll) noted.push(...(await accessFaults(page, axe, 'light')), ...(await accessFaults(page, axe, 'dark')));
  noted.push(...(await phoneFaults(page)), ...(await stopFaults(page)));
  await page.context().close();
  return noted;
}

/** The search must find a word without a server. */
async function searchFaults() {
  const noted = [];
  const page = await browser.opened('search.html?q=LoRA', noted);
  await page.waitForSelector('ul.search li', { timeout: 10_000 }).catch(() => noted.push("'LoRA' is not found"));
  await page.context().close();
  return noted.map((fault) => `search.html: ${fault}`);
}
