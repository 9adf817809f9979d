import { LowrankError } from './errors';

/** The native binding does not load, or does not fit: the set-up has not run, or ran for another machine or version of the library. */
export class SetupError extends LowrankError {
  readonly code = 'SETUP';
}

/** What to do where the native binding is missing or does not fit. */
export const SETUP_REMEDY = 'Run `make setup` in a checkout, `npx lowrank setup` in a project.';
