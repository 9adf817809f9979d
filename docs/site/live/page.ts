/** What the Run buttons of a page load when the first of them is pressed. */
import { Engine } from './engine.ts';
import { type CellParts, LiveCell } from './liveCell.ts';
import type { WorkerMessage } from './messages.ts';
import type { Draw } from './outputs.ts';

/** A device that takes longer for the product of two matrices 384 wide is too weak for the larger cells. */
const SLOW_MILLISECONDS = 250;

export class LivePage {
  private readonly engine: Engine;
  private readonly cells: readonly LiveCell[];
  private running: Promise<void> | undefined;

  /** @param notice - where it is said that the device is weak */
  constructor(
    script: string,
    parts: readonly CellParts[],
    draw: Draw,
    private readonly notice: HTMLElement,
  ) {
    this.engine = new Engine(script);
    this.cells = parts.map((each) => new LiveCell(each, draw));
  }

  /** Runs a cell, and before it those above that have not run yet, other than solutions, since it builds on them. */
  async run(index: number): Promise<void> {
    if (this.running) return this.cells[index]?.say('a cell is running already; Stop ends it');
    if (!this.engine.isStarted) this.stop(); // its worker may have ended by itself, and what cells declared with it
    const before = this.cells.slice(0, index).filter(({ hasRun, parts }) => !hasRun && !parts.isSolution);
    if (before.length > 0) this.cells[index]?.say(`runs after ${before.length} above it …`);
    await this.runAll([...before, ...this.cells.slice(index, index + 1)]);
  }

  /** Runs every cell in the order of the page, in a new worker. */
  async runPage(): Promise<void> {
    this.stop();
    await this.running;
    await this.runAll(this.cells);
  }

  /** Makes a cell editable. */
  edit(index: number): void {
    this.cells[index]?.edit(() => void this.run(index));
  }

  reset(index: number): void {
    this.cells[index]?.reset();
  }

  /** Ends what runs; what cells have declared is gone with it. */
  stop(): void {
    this.engine.stop();
    for (const cell of this.cells) cell.hasRun = false;
  }

  private async runAll(cells: readonly LiveCell[]): Promise<void> {
    const { classList } = document.documentElement;
    classList.add('live-runs');
    this.running = this.oneByOne(cells).finally(() => {
      this.running = undefined;
      classList.remove('live-runs');
    });
    await this.running;
  }

  /** Runs the cells up to the first that does not come to its end. */
  private async oneByOne(cells: readonly LiveCell[]): Promise<void> {
    for (const cell of cells) {
      if (await cell.run(this.engine, (message) => this.note(message))) continue;
      if (cell !== cells.at(-1)) cells.at(-1)?.say('not run: a cell above it has not come to its end');
      return;
    }
  }

  private note(message: WorkerMessage): void {
    if (message.kind !== 'ready') return;
    const isSlow = message.milliseconds > SLOW_MILLISECONDS;
    this.notice.textContent = isSlow ? 'This device is slow at this: a cell may take minutes. Stop ends it.' : '';
  }
}

Reflect.set(globalThis, 'lowrankLivePage', LivePage);
