/** A line on stderr with the progress of a command and its remaining time. */
import { duration, StatusLine } from '../runtime/messages/statusLine';
import type { CommandArguments } from './arguments/commandArguments';
import type { Streams } from './streams';

/** How much of the work is done. */
export interface Extent {
  readonly done: number;
  readonly total: number;
  /** `percent` where the units mean nothing to the reader, such as bytes. @defaultValue `count` */
  readonly as?: 'count' | 'percent';
}

/** Shows nothing when the work takes less than a second or `--quiet` is set. */
export class ProgressLine {
  private readonly line: StatusLine | undefined;
  private work: string | undefined;
  private begunAt = 0;
  private toldAt = performance.now();

  constructor(args: CommandArguments, stderr: Streams['stderr']) {
    if (!args.isOn('quiet')) this.line = new StatusLine(stderr, { isBrief: true });
  }

  /** Shows `WORK: 24 of 200 · 3 min left`. A new name starts the clock at the last report of the previous work. */
  count(work: string, { done, total, as = 'count' }: Extent): void {
    const now = performance.now();
    if (work !== this.work) [this.work, this.begunAt] = [work, this.toldAt];
    this.toldAt = now;
    const extent = as === 'count' ? `${done} of ${total}` : `${Math.floor((100 * done) / total)} %`;
    const secondsLeft = done > 0 ? ((now - this.begunAt) / 1000 / done) * (total - done) : undefined;
    if (done === total) this.clear();
    else this.show(`${work}: ${extent}${secondsLeft === undefined ? '' : ` · ${duration(secondsLeft)} left`}`);
  }

  show(text: string): void {
    this.line?.show(text);
  }

  /** Clears the line; call this before writing anything else. */
  clear(): void {
    this.line?.clear();
  }
}
