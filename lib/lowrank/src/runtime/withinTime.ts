/** Limits the time of work whose length a file decides. */
import process from 'node:process';
import vm from 'node:vm';
import { ArgumentError } from './errors';

const SCRIPT = new vm.Script('work()');
/** How much longer the clock gives than the processor time that is allowed, so that work on a free core has had all of it. */
const SPARE = 1.1;

/**
 * Does work that must end within about this much processor time; its errors pass through. It may take a tenth more, and twice as much where
 * other processes had the processor at first.
 *
 * @param what - names it in the message
 * @throws ArgumentError when it takes longer.
 */
export function withinTime<T>(milliseconds: number, what: string, work: () => T): T {
  const results: T[] = [];
  const context = vm.createContext({ work: () => results.push(work()) });
  // Other processes may have the processor meanwhile: work that was stopped before its time was over begins again, and gets as much longer.
  for (let timeout = SPARE * milliseconds; ; ) {
    const before = process.cpuUsage();
    try {
      SCRIPT.runInContext(context, { timeout: Math.ceil(timeout) });
      const [result] = results.splice(0) as [T];
      return result;
    } catch (cause) {
      if (!isTimeout(cause)) throw cause;
      const { user, system } = process.cpuUsage(before);
      const share = (user + system) / (1000 * milliseconds);
      if (share >= 1) throw new ArgumentError(`${what} takes more than ${Math.ceil(milliseconds)} ms and was stopped`, { cause });
      timeout *= Math.min(2, SPARE / share);
    }
  }
}

/** The error comes from another context, so it is not an `Error` of this one. */
function isTimeout(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && Reflect.get(cause, 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
