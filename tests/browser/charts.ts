/** Whether the charts of an open notebook move. */
import type { Locator, Page } from 'playwright-core';

const CHART = '.jp-RenderedVegaCommon5';
/** Points of a chart that the mouse is held over until a tooltip comes. */
const POINTS = 40;

/** Sliders and lists that change nothing in their chart. */
export async function stillControls(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const chart of await page.locator(CHART).all()) {
    for (const control of await chart.locator('.vega-bind input[type=range], .vega-bind select').all()) {
      await control.scrollIntoViewIfNeeded();
      const before = await drawing(chart);
      await turn(page, control);
      const isMoved = await waitFor(async () => (await drawing(chart)) !== before);
      if (!isMoved)
        found.push(`a control that changes nothing: ${await control.evaluate((own) => own.closest('.vega-bind')?.textContent)}`);
    }
  }
  return found;
}

/** Drags a slider across, or chooses another entry of a list. */
async function turn(page: Page, control: Locator): Promise<void> {
  if (await control.evaluate((own) => own.matches('select'))) {
    const { chosen, entries } = await control.evaluate((own) => ({
      chosen: (own as HTMLSelectElement).selectedIndex,
      entries: (own as HTMLSelectElement).options.length,
    }));
    await control.selectOption({ index: (chosen + 1) % entries });
    return;
  }
  const box = await control.boundingBox();
  if (!box) return;
  const share = await control.evaluate((own) => {
    const { value, min, max } = own as HTMLInputElement;
    return (Number(value) - Number(min)) / (Number(max) - Number(min));
  });
  const thumb = 16; // its centre goes from half its width to half its width before the end
  const at = (part: number) => box.x + thumb / 2 + part * (box.width - thumb);
  const middle = box.y + box.height / 2;
  await page.mouse.move(at(share), middle);
  await page.mouse.down();
  await page.mouse.move(at(share < 0.5 ? 1 : 0), middle, { steps: 6 });
  await page.mouse.up();
}

function drawing(chart: Locator): Promise<string | undefined> {
  return chart.evaluate((own) => own.querySelector('canvas')?.toDataURL() ?? own.querySelector('svg.marks')?.innerHTML);
}

/** Charts that promise a tooltip, and show none wherever the mouse is. */
export async function missingTooltips(page: Page, promises: readonly boolean[]): Promise<string[]> {
  const found: string[] = [];
  const charts = await page.locator(CHART).all();
  for (const [index, chart] of charts.entries()) {
    if (promises[index] && !(await showsTooltip(page, chart))) found.push(`chart ${index + 1} shows no tooltip`);
  }
  return found;
}

async function showsTooltip(page: Page, chart: Locator): Promise<boolean> {
  const canvas = chart.locator('canvas, svg.marks').first();
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (!box) return false;
  for (const { x, y } of await colouredPoints(chart)) {
    await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
    if (await page.locator('#vg-tooltip-element.visible').count()) {
      await page.mouse.move(0, 0);
      return true;
    }
  }
  return false;
}

/** Where a chart has colour, which its axes and its text have not: as shares of its width and height, spread over it. */
function colouredPoints(chart: Locator): Promise<{ x: number; y: number }[]> {
  return chart.evaluate((own, most) => {
    const canvas = own.querySelector('canvas');
    if (!canvas) return [];
    const { width, height } = canvas;
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, width, height) ?? { data: new Uint8ClampedArray() };
    const all: { x: number; y: number }[] = [];
    for (let at = 0; at < data.length; at += 4) {
      const colours = [...data.subarray(at, at + 3)];
      const isColoured = (data[at + 3] ?? 0) > 100 && Math.max(...colours) - Math.min(...colours) > 40;
      if (isColoured) all.push({ x: (((at / 4) % width) + 0.5) / width, y: (Math.floor(at / 4 / width) + 0.5) / height });
    }
    const step = Math.max(1, Math.floor(all.length / most));
    return all.filter((_, index) => index % step === Math.floor(step / 2)).slice(0, most);
  }, POINTS);
}

/** Asks again until the answer is yes, for two seconds at most. */
async function waitFor(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + 2000; Date.now() < end; ) if (await isSo()) return true;
  return isSo();
}
