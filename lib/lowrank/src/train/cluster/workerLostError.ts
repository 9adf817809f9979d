import { LowrankError } from '../../runtime';

/** The cluster cannot go on: a worker is gone, silent or late, or has ended with an error of its own. Only a new start of all helps. */
export class WorkerLostError extends LowrankError {
  constructor(
    /** The workers concerned, by rank; none where nobody can tell. */
    readonly workers: readonly number[],
    message: string,
    options?: ErrorOptions,
  ) {
    super('CLUSTER', message, options);
  }
}
