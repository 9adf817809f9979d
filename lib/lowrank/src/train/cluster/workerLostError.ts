import { LowrankError } from '../../runtime';

/** The cluster cannot go on: a worker is gone, silent or late, or has ended with an error of its own. All workers must be restarted. */
export class WorkerLostError extends LowrankError {
  readonly code = 'CLUSTER';

  constructor(
    /** The lost workers, by rank; empty if they cannot be determined. */
    readonly workers: readonly number[],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
