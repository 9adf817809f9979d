/** How a run stops: at once on its signal; in a cluster, when all workers know, so that none waits for one that has left. */
export interface Stop {
  /** Ends the run. */
  readonly signal: AbortSignal;
  /** In a cluster: the signal of this worker alone. */
  readonly asked?: AbortSignal;
  readonly isAsked?: boolean;
  /** Called in all workers after the same update. */
  agree?(): void;
}

/** A stop that waits for the agreement. */
export class AgreedStop implements Stop {
  private readonly agreed = new AbortController();

  /** @param asked - aborted where this worker has been asked to stop */
  constructor(readonly asked: AbortSignal) {}

  get signal(): AbortSignal {
    return this.agreed.signal;
  }

  get isAsked(): boolean {
    return this.asked.aborted;
  }

  agree(): void {
    this.agreed.abort(this.asked.reason);
  }
}
