import { printableMessage } from './messages/printable';

/** The stable codes that tell our errors apart. */
export type ErrorCode =
  /** The native binding is not built, or does not load. */
  | 'SETUP'
  /** An argument is out of its range or of the wrong form. */
  | 'ARGUMENT'
  /** A shape, or a count, does not fit the model. */
  | 'SHAPE'
  /** A file from outside is missing, cut off or malformed. */
  | 'FORMAT'
  /** A well-formed file or request asks for something that this library does not do. */
  | 'UNSUPPORTED'
  /** The call does not fit the object's present state, for example use after `dispose()`. */
  | 'STATE'
  /** A file cannot be written. */
  | 'STORAGE'
  /** A loss or a gradient is NaN or infinite. */
  | 'NOT_FINITE'
  /** The work was stopped through its AbortSignal. */
  | 'ABORTED'
  /** The work would take more memory than there is. */
  | 'MEMORY'
  /** A worker of the cluster is lost, or does another run. */
  | 'CLUSTER';

/**
 * The base of every error that this library throws on purpose. `message` names the fault, its place, the expectation and the remedy; `code`
 * is stable between versions. Text from files is made printable, and no message is longer than 2,000 characters.
 */
export class LowrankError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(printableMessage(message), options);
    this.name = new.target.name;
  }
}

/** An argument is out of its range or of the wrong form. */
export class ArgumentError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('ARGUMENT', message, options);
  }
}

/** A shape, or a count, does not fit the model. */
export class ShapeError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('SHAPE', message, options);
  }
}

/** A file from outside is missing, cut off or malformed. */
export class FormatError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('FORMAT', message, options);
  }
}

/** A well-formed request for something that this library does not do. */
export class UnsupportedError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('UNSUPPORTED', message, options);
  }
}

/** The call does not fit the object's present state. */
export class StateError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('STATE', message, options);
  }
}

/** A file cannot be written: no folder, no permission, no space. */
export class StorageError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('STORAGE', message, options);
  }
}

/** A loss or a gradient is NaN or infinite. */
export class NotFiniteError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_FINITE', message, options);
  }
}

/** The work was stopped through its AbortSignal; what was finished before is kept. */
export class AbortedError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('ABORTED', message, options);
  }
}

/** The work would take more memory than there is, or than it may take; nothing of it has been begun. */
export class MemoryError extends LowrankError {
  constructor(message: string, options?: ErrorOptions) {
    super('MEMORY', message, options);
  }
}
