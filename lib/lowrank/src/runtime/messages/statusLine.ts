/** How far some work is, as one line that renews itself, or as plain lines where the output is no terminal. */

/** Where the line goes; `process.stderr` is one. */
export interface LineStream {
  readonly isTTY?: boolean;
  /** Some terminals say 0 and mean that they do not know. */
  readonly columns?: number;
  /** Writes text. */
  write(text: string): unknown;
}

/** How often a terminal's line is renewed, and how often a log gets one. */
const TERMINAL_INTERVAL = 200; // ms
const LOG_INTERVAL = 10_000; // ms

/** When a line is first shown. */
export interface StatusLineOptions {
  /**
   * Whether the work may be over before anybody waits: then a terminal gets its first line after a second, and a log after ten.
   *
   * @defaultValue false: at once
   */
  readonly isBrief?: boolean;
}

/** Shows the newest text now and then: a terminal gets it five times a second in one line, anything else as a line every ten seconds. */
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

  /** Takes in the newest text, and shows it where that is due. */
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

  /** Takes the line off a terminal, before anything else is written. */
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

/** `45 s`, `3 min`, `2 h 05 min` */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
