/** Adds `toRefuse` to `expect`: what is called throws an error of a class with a message, in one call. */
import { expect } from 'vitest';

type ErrorClass = abstract new (...given: never[]) => Error;

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /** The error that a function throws, or a promise with `rejects`, is of the class, and its message contains the text or matches. */
    toRefuse(this: Assertion<R, T>, Class: ErrorClass, message: string | RegExp): R;
  }
}

expect.extend({
  toRefuse(received: unknown, Class: ErrorClass, message: string | RegExp) {
    const error = typeof received === 'function' ? thrownBy(() => received()) : received;
    const isLike = error instanceof Error && (typeof message === 'string' ? error.message.includes(message) : message.test(error.message));
    const wanted = `${Class.name} with ${message}`;
    return {
      pass: error instanceof Class && isLike,
      message: () => `expected ${wanted}, got ${error}`,
      actual: String(error),
      expected: wanted,
    };
  },
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return 'no error';
}
