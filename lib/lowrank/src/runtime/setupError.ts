import { LowrankError } from './errors';

/** The native binding does not load: the set-up has not run, or ran for another machine. */
export class SetupError extends LowrankError {
  readonly code = 'SETUP';
}
