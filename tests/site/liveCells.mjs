/** Runs the cells of a page that run in it, and compares what they put out with what the notebook has. */
import fs from 'node:fs';

/** How far numbers may be apart: this, as a share of the larger one where that is above 1. */
const TOLERANCE = 1e-4;
const NUMBER = /[-−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?/g;
const VEGA = 'application/vnd.vegalite.v5+json';

const numberOf = (text) => Number(text.replaceAll(',', '').replace('−', '-'));
const areClose = (a, b) => Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));

/** Where two texts differ in more than the last digits of their numbers. */
function textFault(found, wanted) {
  const [ours, theirs] = [found, wanted].map((text) => text.replaceAll(/\s+/g, ' ').trim());
  const numbers = [ours, theirs].map((text) => (text.match(NUMBER) ?? []).map(numberOf));
  const words = [ours, theirs].map((text) => text.replaceAll(NUMBER, '#'));
  const isSame = words[0] === words[1] && numbers[0].every((number, index) => areClose(number, numbers[1][index]));
  return isSame ? undefined : `has '${ours.slice(0, 200)}' for '${theirs.slice(0, 200)}'`;
}

/** The outputs that a notebook keeps, as texts and specifications in their order. */
function keptOutputs(cell) {
  return cell.outputs.flatMap(({ text, data = {} }) => {
    if (text) return [[text].flat().join('')];
    if (data[VEGA]) return [withoutNames(data[VEGA])];
    return [
      [data['text/html'] ?? data['text/plain']]
        .flat()
        .join('')
        .replaceAll(/<[^>]+>/g, ' '),
    ];
  });
}

const withoutNames = ({ $schema: _schema, usermeta: _usermeta, ...spec }) => sorted(spec);

/** A specification as text, its properties by their names. */
const sorted = (spec) =>
  JSON.stringify(spec, (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** What stands below a cell of the page, as texts and specifications in their order. */
async function shownOutputs(root) {
  const shown = await root.locator('.cell_output > .output').evaluateAll((all) =>
    all.map((own) => ({
      spec: own.dataset.spec,
      text: own.matches('.stream') ? own.textContent : own.innerHTML.replaceAll(/<[^>]+>/g, ' '),
    })),
  );
  return shown.map(({ spec, text }) => (spec ? sorted(JSON.parse(spec)) : text));
}

/** How a cell stands once it has come to an end, in the page's words. */
async function ended(page, code) {
  const hasEnded = (own) => /^(ran|failed|stopped|not run)/.test(document.querySelector(own)?.textContent ?? '');
  await page.waitForFunction(hasEnded, `.tag_code-${code} .live-status`, { timeout: 120_000 }).catch(() => {});
  return page.locator(`.tag_code-${code} .live-status`).textContent();
}

/** Presses Run all on an open page, and says what fails, and what differs from the notebook where the page is of one. */
export async function liveFaults(page, notebook) {
  const cells = notebook ? JSON.parse(fs.readFileSync(notebook, 'utf8')).cells : undefined;
  const marks = JSON.parse(await page.locator('#live-cells').textContent());
  const live = marks.filter(({ needs }) => needs === undefined);
  if (live.length === 0) return ['no cell runs in the page'];
  const faults = [];
  const numbers = await figureNumbers(page);
  await page.getByRole('button', { name: 'Run all' }).click();
  for (const { code } of live) {
    const said = await ended(page, code);
    const shown = await shownOutputs(page.locator(`.tag_code-${code}`));
    if (!said.startsWith('ran')) return [...faults, `cell ${code} ${said}: ${shown.join(' ')}`];
    if (cells) faults.push(...differences(shown, keptOutputs(cells[code])).map((fault) => `cell ${code} ${fault}`));
  }
  const after = await figureNumbers(page);
  return after === numbers ? faults : [...faults, `figures were ${numbers}, and are ${after}`];
}

/** The numbers of the page's figures, in their order. */
async function figureNumbers(page) {
  return (await page.locator('.caption-number').allTextContents()).join(' ');
}

function differences(shown, kept) {
  if (shown.length !== kept.length) return [`has ${shown.length} outputs for ${kept.length}`];
  return shown.map((text, index) => textFault(text, kept[index])).filter((fault) => fault !== undefined);
}

/** What is wrong with the files that the tiny model's page offers once its cells have run: the adapter has to be one of PEFT's. */
export async function fileFaults(page) {
  const files = await page
    .locator('.live-files a')
    .evaluateAll((links) =>
      Promise.all(links.map(async (link) => [link.textContent, Array.from(new Uint8Array(await (await fetch(link.href)).arrayBuffer()))])),
    );
  const bytes = new Map(files.map(([name, values]) => [name, Buffer.from(values)]));
  const tensors = bytes.get('tiny-adapter/adapter_model.safetensors') ?? Buffer.alloc(8);
  const header = tensors.subarray(8, 8 + Number(tensors.readBigUInt64LE())).toString();
  const { r, lora_alpha: alpha } = JSON.parse(bytes.get('tiny-adapter/adapter_config.json')?.toString() ?? '{}');
  return [
    ...(header.includes('"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight":{"dtype":"F32","shape":[4,16]')
      ? []
      : [`the adapter's file does not hold PEFT's tensors: ${header.slice(0, 200)}`]),
    ...(r === 4 && alpha === 8 ? [] : [`the adapter's configuration has r = ${r} and α = ${alpha}`]),
    ...(bytes.has('tiny-model/model.safetensors') ? [] : ['the base is not offered']),
  ];
}

/** Lets the first cell, which is open in its editor, run for ever, and stops it; the page has to answer meanwhile, and to run it afterwards. */
export async function stopFaults(page) {
  const root = page.locator('.cell:has(.cm-content)').first();
  const [code] = /(?<=tag_code-)\d+/.exec(await root.getAttribute('class'));
  const type = async (text) => {
    await root.locator('.cm-content').click();
    await page.keyboard.press('Control+a');
    await page.keyboard.insertText(text);
  };
  const press = (name) => root.getByRole('button', { name, exact: true }).click();
  await type('while (true) {}');
  await press('Run');
  await page.waitForTimeout(300);
  await press('Stop');
  const stopped = await ended(page, code);
  await type("const greeting: string = 'still here';\nconsole.log(greeting);");
  await press('Run');
  await page.waitForFunction((own) => document.querySelector(own)?.textContent.startsWith('ran'), `.tag_code-${code} .live-status`);
  const [said] = await shownOutputs(root);
  await press('Reset');
  const kept = await root.locator('.cm-content').textContent();
  return [
    ...(stopped.startsWith('stopped') ? [] : [`an endless cell is not stopped: ${stopped}`]),
    ...(said?.trim() === 'still here' ? [] : [`a changed cell puts out '${said}'`]),
    ...(kept.includes('import') ? [] : ['Reset does not bring the code of the notebook back']),
  ];
}
