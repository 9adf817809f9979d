/** Replaces node:timers/promises. */

/** Resolves once the event loop has had a turn. */
export function setImmediate(): Promise<void> {
  return setTimeout(0);
}

export function setTimeout(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void globalThis.setTimeout(resolve, milliseconds));
}
