/** A line on a terminal that says how far a command is. */
import type { CommandArguments } from './commandArguments';
import type { Streams } from './streams';

/** Shown on stderr where that is a terminal, unless `--quiet` is given. */
export class ProgressLine {
  private readonly isShown: boolean;

  constructor(
    args: CommandArguments,
    private readonly stderr: Streams['stderr'],
  ) {
    this.isShown = !args.isOn('quiet') && stderr.isTTY === true;
  }

  show(text: string): void {
    if (this.isShown) this.stderr.write(`\r\u001b[K${text}`);
  }

  /** Before anything else is written. */
  clear(): void {
    this.show('');
  }
}
