/** Puts buttons beside the cells of a page that can run in it. All else is loaded when one of them is pressed. */
import type { CellParts } from './liveCell.ts';
import type { Draw } from './outputs.ts';
import type { LivePage } from './page.ts';

/** A code cell, as the page's source describes it. */
interface Mark {
  /** Its number among the notebook's cells. */
  readonly code: number;
  readonly source: string;
  readonly isSolution: boolean;
  /** What it needs that a page lacks. */
  readonly needs?: string;
}

/** What the scripts that are loaded later leave. */
interface Loaded {
  readonly lowrankLivePage: typeof LivePage;
  readonly lowrankLiveWorker: string;
}

/** Where this script came from: the others lie beside it. */
const here = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : '';

/** Loads a script that lies beside this one; fetching it would fail on a page that is read from a disk. */
function loadScript(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = new URL(name, here).href;
    script.addEventListener('load', () => resolve());
    script.addEventListener('error', () => reject(new Error(`${name} does not load`)));
    document.head.append(script);
  });
}

function statusLine(): HTMLElement {
  const line = document.createElement('span');
  line.className = 'live-status';
  line.setAttribute('role', 'status');
  return line;
}

/** A button that says beside itself what keeps it from working. */
function button(text: string, title: string, press: () => Promise<void>): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = `btn btn-sm live-${text.toLowerCase().replace(' ', '-')}`;
  made.textContent = text;
  made.title = title;
  made.addEventListener('click', () => void press());
  return made;
}

/** Adds the buttons to a page whose source has marks. */
export function addButtons(draw: Draw): void {
  const marks = JSON.parse(document.querySelector('#live-cells')?.textContent ?? '[]') as Mark[];
  const rootOf = ({ code }: Mark) => document.querySelector<HTMLElement>(`.tag_code-${code}`);
  const cells: CellParts[] = marks.flatMap((mark) => {
    const root = rootOf(mark);
    return root && mark.needs === undefined ? [{ root, source: mark.source, status: statusLine(), isSolution: mark.isSolution }] : [];
  });
  const notice = statusLine();
  let page: Promise<LivePage> | undefined;

  const load = async (status: HTMLElement): Promise<LivePage> => {
    status.textContent = 'loading …';
    await Promise.all(['live.js', 'liveWorker.js'].map(loadScript));
    status.textContent = '';
    const { lowrankLivePage, lowrankLiveWorker } = window as unknown as Loaded;
    return new lowrankLivePage(lowrankLiveWorker, cells, draw, notice);
  };
  const pressed = (status: HTMLElement, work: (page: LivePage) => unknown) => async () => {
    try {
      page ??= load(status);
      await work(await page);
    } catch (error) {
      page = undefined;
      status.textContent = error instanceof Error ? error.message : String(error);
    }
  };

  for (const [index, { root, status }] of cells.entries()) {
    const bar = document.createElement('div');
    bar.className = 'live-bar';
    const on = (work: (page: LivePage) => unknown) => pressed(status, work);
    bar.append(
      button(
        'Run',
        'Run this cell here, after those above that have not run yet',
        on((own) => own.run(index)),
      ),
      button(
        'Edit',
        'Change the code; Shift-Enter runs it',
        on((own) => own.edit(index)),
      ),
      button(
        'Reset',
        'The code and the outputs as they were',
        on((own) => own.reset(index)),
      ),
      button(
        'Stop',
        'End what runs; what cells have declared is gone then',
        on((own) => own.stop()),
      ),
      status,
    );
    root.querySelector('.cell_input')?.after(bar);
  }
  for (const mark of marks) {
    if (mark.needs === undefined) continue;
    const note = document.createElement('p');
    note.className = 'live-note';
    note.textContent = `This cell runs in the notebook only: it needs ${mark.needs}.`;
    rootOf(mark)?.querySelector('.cell_input')?.after(note);
  }
  const status = statusLine();
  const runAll = button(
    'Run all',
    'Run every cell of this page that can run here',
    pressed(status, (own) => own.runPage()),
  );
  document.querySelector('#live-intro')?.append(runAll, status, notice);
}
