/** Catches SIGINT and SIGTERM (Ctrl-C, a notebook's stop button, `kill`), and stops long work between two steps. */
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs the work with a signal that the given one, SIGINT and SIGTERM abort.
 *
 * If nobody else listens, the received signal ends the process as usual, once this work and all work beside it has ended; a second signal
 * ends it at once. If somebody else listens, such as a notebook's kernel, the listener decides.
 *
 * The work begins in a microtask. A kernel may run the synchronous part of a cell with `breakOnSigint`: Node then removes all listeners,
 * and afterwards lets SIGINT end the process if a listener was added meanwhile. The microtask runs after that part and before the event
 * loop delivers a signal, which would otherwise end the cell while the work continues.
 */
export async function interruptible<T>(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  await undefined;
  const interrupts = new AbortController();
  const leave = join(interrupts);
  if (isOfStoppedCell()) interrupts.abort('SIGINT');
  try {
    return await work(given ? AbortSignal.any([given, interrupts.signal]) : interrupts.signal);
  } finally {
    await pendingSignals();
    leave();
  }
}

/**
 * Waits until Node has told the listeners of every signal that it has received: it forgets one whose last listener leaves before that.
 * The first turn may be the rest of the running round of the event loop; the second comes after a new round has looked for signals.
 */
async function pendingSignals(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/**
 * Whether the notebook cell that runs this was stopped. Node continues its code, for example a loop over several calls, so each further
 * call ends at once. The kernel's guard knows it (`setup/jupyter/kernelGuard.js`).
 */
function isOfStoppedCell(): boolean {
  const ask: unknown = Reflect.get(globalThis, Symbol.for('lowrank.isOfStoppedCell'));
  return typeof ask === 'function' && ask() === true;
}

/** The listeners for all running work of this process: with one listener each, the works would keep each other from ending it. */
let listening:
  | {
      readonly works: Set<AbortController>;
      /** The signal that will end the process. */
      readonly fatal: () => NodeJS.Signals | undefined;
      readonly stop: () => void;
    }
  | undefined;

/** The signal that ends the process once the running work has ended, if one does. */
export function endingSignal(): NodeJS.Signals | undefined {
  return listening?.fatal();
}

/** Adds work that a signal ends; returns a function that removes it. */
function join(work: AbortController): () => void {
  listening ??= listen();
  const { works, fatal, stop } = listening;
  works.add(work);
  const name = fatal();
  if (name) work.abort(name); // the process is already ending
  return () => {
    works.delete(work);
    if (works.size === 0) stop();
  };
}

function listen(): NonNullable<typeof listening> {
  const works = new Set<AbortController>();
  let fatal: NodeJS.Signals | undefined;
  const listeners = SIGNALS.map((name) => {
    const listener = () => {
      const isAlone = process.listenerCount(name) === 1;
      if (isAlone && fatal) return stop();
      if (isAlone) fatal = name;
      for (const work of works) work.abort(name);
    };
    process.on(name, listener);
    return { name, listener };
  });
  const stop = () => {
    for (const { name, listener } of listeners) process.off(name, listener);
    listening = undefined;
    if (fatal) process.kill(process.pid, fatal);
  };
  return { works, fatal: () => fatal, stop };
}
