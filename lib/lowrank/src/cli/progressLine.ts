/** A line on stderr that says how far a command is, and how long it will still take. */
import { duration, StatusLine } from '../runtime/statusLine';
import type { CommandArguments } from './commandArguments';
import type { Streams } from './streams';

/** How the extent of some work is told. */
export interface Extent {
  readonly done: number;
  readonly total: number;
  /** `percent` where nobody knows the parts, such as bytes. @defaultValue `count` */
  readonly as?: 'count' | 'percent';
}

/** Nothing where the work is over in a second, or `--quiet` is given. */
export class ProgressLine {
  private readonly line: StatusLine | undefined;
  private work: string | undefined;
  private begunAt = 0;
  private toldAt = performance.now();

  constructor(args: CommandArguments, stderr: Streams['stderr']) {
    if (!args.isOn('quiet')) this.line = new StatusLine(stderr, { isBrief: true });
  }

  /** `WORK: 24 of 200 · 3 min left`. Work of another name begins where the one before was last told of. */
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

  /** Before anything else is written. */
  clear(): void {
    this.line?.clear();
  }
}
