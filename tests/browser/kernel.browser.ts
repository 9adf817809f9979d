import fs from 'node:fs';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barFaults, watchBars } from './bars';
import { type Lab, startLab } from './lab';
import { NotebookPage } from './notebookPage';
import { shownOutputs, unfinishedCells } from './shown';

/** A notebook made for this test. Its training ends only when it is stopped, unless the file FEW lies beside it. */
const FEW = 'few-steps';
const CELLS = {
  setUp: `import { existsSync } from 'node:fs';
import { getPeftModel, LlamaForCausalLM, LoraConfig, padBatch, train } from 'lowrank';
import { progress } from 'lowrank-notebook';
const sizes = { vocabSize: 40, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 1, numAttentionHeads: 2 };
const model = getPeftModel(LlamaForCausalLM.fromConfig(sizes, { seed: 1 }), new LoraConfig({}));
const row = Array.from({ length: 16 }, (_, i) => i);
const batch = padBatch([{ inputIds: row, labels: row }], { padTokenId: 0 });`,
  training: `const steps = existsSync('${FEW}') ? 20 : 1e7;
await train(model, [batch], { steps: steps, progress: progress({ label: 'training' }) });`,
  next: `console.log('steps of the next cell:', (await train(model, [batch], { steps: 2 })).history.length);`,
  completed: '',
  explained: 'padBatch(',
};
const [, TRAINING, NEXT, COMPLETED, EXPLAINED] = Object.keys(CELLS).keys();

let lab: Lab;
let browser: Browser;
let notebook: NotebookPage;
beforeAll(async () => {
  lab = await startLab(path.resolve('build/browser/kernel'));
  writeNotebook(Object.entries(CELLS));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu'] });
  notebook = await NotebookPage.open(browser, lab, 'kernel', []);
});
afterAll(async () => {
  await browser?.close();
  await lab?.stop();
});

function writeNotebook(cells: readonly (readonly [id: string, source: string])[]): void {
  const code = ([id, source]: readonly [string, string]) => {
    return { cell_type: 'code', execution_count: null, id, metadata: {}, outputs: [], source };
  };
  const metadata = { kernelspec: { display_name: 'TypeScript', language: 'typescript', name: 'tslab' } };
  const text = JSON.stringify({ cells: cells.map(code), metadata, nbformat: 4, nbformat_minor: 5 });
  fs.writeFileSync(path.join(lab.notebooks, 'kernel.ipynb'), text);
}

const cell = (index = 0) => notebook.page.locator('.jp-Notebook .jp-CodeCell').nth(index);
const SECONDS = 1000;

test('training that is stopped ends with a message, and the next cell works', async () => {
  await cell(0).locator('.cm-content').click();
  await notebook.page.keyboard.press('Shift+Enter');
  await notebook.idle(60 * SECONDS);
  await notebook.page.keyboard.press('Shift+Enter'); // which begins to train
  const bar = cell(TRAINING).locator('progress');
  await bar.waitFor();
  await expect.poll(() => bar.getAttribute('value').then(Number), { timeout: 30 * SECONDS }).toBeGreaterThan(10);
  expect(await bar.count()).toBe(1);

  await notebook.choose('Kernel', 'Interrupt Kernel');
  await notebook.idle(30 * SECONDS);
  expect(await cell(TRAINING).locator('.jp-OutputArea').textContent()).toMatch(/training: \d+ steps.*Interrupted/s);
  await expect
    .poll(
      async () => {
        await cell(NEXT).locator('.cm-content').click();
        await notebook.page.keyboard.press('Control+Enter');
        await notebook.idle(30 * SECONDS);
        return cell(NEXT).locator('.jp-OutputArea').textContent();
      },
      { timeout: 30 * SECONDS },
    )
    .toContain('steps of the next cell: 2');
});

test('Tab completes a name of another cell, and offers the members of an object', async () => {
  await cell(COMPLETED).locator('.cm-content').click();
  for (const [typed, wanted] of [
    ['padB', 'padBatch'],
    ['model.', 'savePretrained'],
  ] as const) {
    await notebook.page.keyboard.press('Control+a');
    await notebook.page.keyboard.type(typed);
    await notebook.page.keyboard.press('Tab');
    const offered = notebook.page.locator('.jp-Completer:visible .jp-Completer-match');
    await expect.poll(() => offered.allTextContents(), { timeout: 20 * SECONDS }).toContain(wanted);
    await notebook.page.keyboard.press('Escape');
  }
});

test('Shift-Tab explains a function', async () => {
  await cell(EXPLAINED).locator('.cm-content').click();
  await notebook.page.keyboard.press('Home');
  await notebook.page.keyboard.press('ArrowRight');
  await notebook.page.keyboard.press('Shift+Tab');
  const tooltip = notebook.page.locator('.jp-Tooltip');
  await expect.poll(() => tooltip.textContent(), { timeout: 20 * SECONDS }).toContain('padBatch');
});

test('restarting runs all cells anew, with one bar in one place', async () => {
  const { setUp, training, next } = CELLS;
  await notebook.save();
  await notebook.close();
  fs.writeFileSync(path.join(lab.notebooks, FEW), '');
  writeNotebook(Object.entries({ setUp, training, next }));
  notebook = await NotebookPage.open(browser, lab, 'kernel', []);
  await watchBars(notebook.page);
  await notebook.restartAndRunAll(60 * SECONDS);
  expect(await unfinishedCells(notebook.page)).toEqual([]);
  expect(await barFaults(notebook.page)).toEqual([]);
  const shown = await shownOutputs(notebook.page);
  expect(shown[TRAINING ?? 0]?.join()).toMatch(/training: 20 steps/);
  expect(shown[NEXT ?? 0]?.join()).toContain('steps of the next cell: 2');
});
