import { LowrankError } from './errors';

/** The native binding does not load: the set-up has not run, or ran for another machine. */
export class SetupError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('SETUP', message, options);
  }
}
