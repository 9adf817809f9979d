/** The progress of work: one line that renews itself on a terminal, plain lines elsewhere. */

/** The stream of the line, for example `process.stderr`. */
export interface LineStream {
  readonly isTTY?: boolean;
  /** Width in characters; some terminals report 0 for unknown. */
  readonly columns?: number;
  /** Writes text. */
  write(text: string): unknown;
}

/** The intervals between updates on a terminal and lines in a log. */
const TERMINAL_INTERVAL = 200; // ms
const LOG_INTERVAL = 10_000; // ms

/** When the first line is shown. */
interface StatusLineOptions {
  /**
   * Whether the work may be short: a terminal then gets its first line after one second, and a log after ten.
   *
   * @defaultValue false: at once
   */
  readonly isBrief?: boolean;
}

/** Shows the newest text: five times a second in one line of a terminal, as a new line every ten seconds elsewhere. */
export class StatusLine {
  private readonly isTerminal: boolean;
  private readonly interval: number;
  private latest: string | undefined;
  private isVisible = false;
  private dueAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly stream: LineStream,
    { isBrief = false }: StatusLineOptions = {},
  ) {
    this.isTerminal = stream.isTTY === true;
    this.interval = this.isTerminal ? TERMINAL_INTERVAL : LOG_INTERVAL;
    if (isBrief) this.dueAt = performance.now() + (this.isTerminal ? 1000 : LOG_INTERVAL);
  }

  /** Sets the newest text, and shows it when an update is due. */
  show(text: string): void {
    this.latest = text;
    if (performance.now() >= this.dueAt) this.write(text);
  }

  /** Ends the line with the newest text. */
  finish(): void {
    if (this.latest !== undefined) this.write(this.latest);
    if (this.isVisible) this.stream.write('\n');
    this.isVisible = false;
  }

  /** Clears the line of a terminal, before other output. */
  clear(): void {
    this.latest = undefined;
    if (this.isVisible) this.stream.write('\r\u001b[K');
    this.isVisible = false;
  }

  private write(text: string): void {
    this.stream.write(this.isTerminal ? `\r\u001b[K${text.slice(0, (this.stream.columns || 80) - 1)}` : `${text}\n`);
    this.isVisible = this.isTerminal;
    this.dueAt = performance.now() + this.interval;
    this.latest = undefined;
  }
}

/** `3/8`, or `3` without a known total. */
export function counted(done: number, total: number | undefined, between = '/'): string {
  return total === undefined ? `${done}` : `${done}${between}${total}`;
}

/** `45 s`, `3 min`, `2 h 05 min` */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
