/** What a page says on a device that is too weak for its cells: in a browser whose workers are slow, or end for want of memory. */

/** Run before a page's own scripts: its workers tell that they took a second for what takes others milliseconds. */
function slowWorkers() {
  const { Worker } = window;
  window.Worker = class extends Worker {
    addEventListener(kind, listener) {
      super.addEventListener(kind, (event) => {
        const isReady = event.data?.kind === 'ready';
        listener(isReady ? new MessageEvent('message', { data: { ...event.data, milliseconds: 1000 } }) : event);
      });
    }
  };
}

/** Run before a page's own scripts: its workers end at the first message, as where memory runs out, and say nothing. */
function endingWorkers() {
  const { Worker } = window;
  window.Worker = class extends Worker {
    postMessage() {
      this.terminate();
      setTimeout(() => this.dispatchEvent(new ErrorEvent('error')));
    }
  };
}

/** Runs the first cell of a page on such devices. */
export async function weakDeviceFaults(browser, name) {
  return [...(await slowFaults(browser, name)), ...(await endingFaults(browser, name))];
}

async function runFirst(browser, name, noted, prepare) {
  const page = await browser.opened(name, noted, prepare);
  await page.getByRole('button', { name: 'Run', exact: true }).first().click();
  const hasEnded = () => /^(ran|failed)/.test(document.querySelector('.live-bar .live-status').textContent);
  await page.waitForFunction(hasEnded, undefined, { timeout: 120_000 }).catch(() => noted.push('the first cell does not end'));
  return page;
}

async function slowFaults(browser, name) {
  const noted = [];
  const page = await runFirst(browser, name, noted, slowWorkers);
  const said = await page.locator('#live-intro').textContent();
  const status = await page.locator('.live-bar .live-status').first().textContent();
  await page.context().close();
  if (!said.includes('This device is slow')) noted.push(`a slow device is not told: ${said}`);
  if (!status.startsWith('ran')) noted.push(`a slow device does not run the cell: ${status}`);
  return noted;
}

async function endingFaults(browser, name) {
  const noted = [];
  const page = await runFirst(browser, name, noted, endingWorkers);
  const said = await page.locator('.live-failure').first().textContent();
  await page.context().close();
  return said.includes('this device may have too little memory') ? noted : [...noted, `the end of a worker is told as: ${said}`];
}
