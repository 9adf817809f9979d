/** A cell of the page with its editor and outputs. */
import { cellProgram } from './cellProgram.ts';
import { type Editor, makeEditor } from './editor.ts';
import type { Engine } from './engine.ts';
import type { WorkerMessage } from './messages.ts';
import { type Draw, Outputs } from './outputs.ts';

/** The parts of the page that a cell is. */
export interface CellParts {
  readonly root: HTMLElement;
  readonly source: string;
  /** Says in words how the cell stands. */
  readonly status: HTMLElement;
  readonly isSolution: boolean;
}

export class LiveCell {
  /** Whether the present worker has run the cell as it stands. */
  hasRun = false;
  private editor: Editor | undefined;
  private outputs: Outputs | undefined;
  private readonly saved: readonly Node[];

  constructor(
    readonly parts: CellParts,
    private readonly draw: Draw,
  ) {
    this.saved = [...(this.outputPlace()?.childNodes ?? [])];
  }

  /** Puts the editor in the place of the code. */
  edit(run: () => void): void {
    if (this.editor) return;
    const input = this.parts.root.querySelector<HTMLElement>('.cell_input');
    if (!input) return;
    const place = document.createElement('div');
    place.className = 'live-editor';
    this.editor = makeEditor(place, this.parts.source, run);
    input.replaceChildren(place);
    this.parts.root.classList.add('live-touched');
  }

  /** Runs the cell; gives false where it failed or was stopped. */
  async run(engine: Engine, note: (message: WorkerMessage) => void): Promise<boolean> {
    this.outputs ??= new Outputs(this.outputPlace() ?? this.madePlace(), this.draw);
    const { outputs } = this;
    outputs.clear();
    this.parts.root.classList.add('live-touched');
    this.say('running …');
    const start = performance.now();
    let hasFailed = false;
    const listener = (message: WorkerMessage) => {
      hasFailed ||= message.kind === 'failed';
      note(message);
      outputs.show(message);
    };
    const hasEnded = await this.program((program) => engine.run(program, listener), listener);
    this.hasRun = hasEnded && !hasFailed;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    this.say(hasFailed ? 'failed' : hasEnded ? `ran in ${seconds} s` : 'stopped; the next run begins anew');
    return this.hasRun;
  }

  /** The code and the outputs as they were. */
  reset(): void {
    this.editor?.replace(this.parts.source);
    this.outputPlace()?.replaceChildren(...this.saved);
    this.outputs = undefined;
    this.hasRun = false;
    this.parts.root.classList.remove('live-touched');
    this.say('as it was');
  }

  say(text: string): void {
    this.parts.status.textContent = text;
  }

  private async program(run: (program: string) => Promise<boolean>, listener: (message: WorkerMessage) => void): Promise<boolean> {
    let program: string;
    try {
      program = cellProgram(this.editor?.text() ?? this.parts.source);
    } catch (error) {
      listener({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      return true;
    }
    return run(program);
  }

  private outputPlace(): HTMLElement | null {
    return this.parts.root.querySelector<HTMLElement>('.cell_output');
  }

  private madePlace(): HTMLElement {
    const place = document.createElement('div');
    place.className = 'cell_output docutils container';
    this.parts.root.append(place);
    return place;
  }
}
