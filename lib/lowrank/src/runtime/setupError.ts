import { LowrankError } from './errors';

/** The native binding does not load, or does not fit: the set-up has not run, or ran for another machine or version of the library. */
export class SetupError extends LowrankError {
  readonly code = 'SETUP';
}
