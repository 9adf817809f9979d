/** Limits the time of work whose length a file decides. */
import process from 'node:process';
import vm from 'node:vm';
import { ArgumentError } from './errors';

const SCRIPT = new vm.Script('work()');

/**
 * Does work that must end within this much processor time; its errors pass through.
 *
 * @param what - names it in the message
 * @throws ArgumentError when it takes longer.
 */
export function withinTime<T>(milliseconds: number, what: string, work: () => T): T {
  const results: T[] = [];
  const context = vm.createContext({ work: () => results.push(work()) });
  // Other processes may have the processor meanwhile. Work that was stopped before its time was over begins again, and gets twice as long.
  for (let patience = 1.5; ; patience *= 2) {
    const before = process.cpuUsage();
    try {
      SCRIPT.runInContext(context, { timeout: Math.ceil(patience * milliseconds) });
      const [result] = results.splice(0) as [T];
      return result;
    } catch (cause) {
      if (!isTimeout(cause)) throw cause;
      const { user, system } = process.cpuUsage(before);
      if (user + system < 1000 * milliseconds) continue;
      throw new ArgumentError(`${what} takes more than ${Math.ceil(milliseconds)} ms and was stopped`, { cause });
    }
  }
}

/** The error comes from another context, so it is not an `Error` of this one. */
function isTimeout(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && Reflect.get(cause, 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
