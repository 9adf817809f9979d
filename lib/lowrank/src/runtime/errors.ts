/** The errors of this library. The class says what is wrong, the message where, and what to do. */
import { printableMessage } from './messages/printable';

/** The stable codes that tell our errors apart; the class of each says what is wrong. */
export type ErrorCode =
  | 'SETUP'
  | 'ARGUMENT'
  | 'SHAPE'
  | 'FORMAT'
  | 'UNSUPPORTED'
  | 'STATE'
  | 'STORAGE'
  | 'NOT_FINITE'
  | 'ABORTED'
  | 'MEMORY'
  | 'CLUSTER';

/**
 * The base of every error that this library throws on purpose. `message` names the fault, its place, the expectation and the remedy; `code`
 * is stable between versions. Text from files is made printable, and no message is longer than 2,000 characters.
 */
export abstract class LowrankError extends Error {
  abstract readonly code: ErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(printableMessage(message), options);
    this.name = new.target.name;
  }
}

/** An argument is out of its range or of the wrong form. */
export class ArgumentError extends LowrankError {
  readonly code = 'ARGUMENT';
}

/** A shape, or a count, does not fit the model. */
export class ShapeError extends LowrankError {
  readonly code = 'SHAPE';
}

/** A file from outside is missing, cut off or malformed. */
export class FormatError extends LowrankError {
  readonly code = 'FORMAT';
}

/** A well-formed request for something that this library does not do. */
export class UnsupportedError extends LowrankError {
  readonly code = 'UNSUPPORTED';
}

/** The call does not fit the object's present state. */
export class StateError extends LowrankError {
  readonly code = 'STATE';
}

/** A file cannot be written: no folder, no permission, no space. */
export class StorageError extends LowrankError {
  readonly code = 'STORAGE';
}

/** A loss or a gradient is NaN or infinite. */
export class NotFiniteError extends LowrankError {
  readonly code = 'NOT_FINITE';
}

/** The work was stopped through its AbortSignal; what was finished before is kept. */
export class AbortedError extends LowrankError {
  readonly code = 'ABORTED';
}

/** The work would take more memory than there is, or than it may take; nothing of it has been begun. */
export class MemoryError extends LowrankError {
  readonly code = 'MEMORY';
}
