/** Letting Ctrl-C, a notebook's stop button and `kill` end long work between two steps instead of inside one. */
import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs the work with a signal that is aborted by the given one, by SIGINT and by SIGTERM.
 *
 * Where nobody else listens, the process ends by the received signal as usual once the work, and all that goes on beside it, has come to its
 * end, and at once when the signal comes again. Where somebody does, such as a notebook's kernel, what happens then is theirs to say.
 *
 * The work begins in a microtask. A kernel may run the synchronous part of a cell with `breakOnSigint`: there Node takes all listeners away,
 * and afterwards lets SIGINT end the process if somebody has begun to listen meanwhile. The microtask runs when that is over, and before the
 * event loop can deliver a signal, which would otherwise end the cell and leave the work going on.
 */
export async function interruptible<T>(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  await undefined;
  const interrupts = new AbortController();
  const leave = join(interrupts);
  if (isOfStoppedCell()) interrupts.abort('SIGINT');
  try {
    return await work(given ? AbortSignal.any([given, interrupts.signal]) : interrupts.signal);
  } finally {
    leave();
  }
}

/**
 * Whether a notebook's cell runs this that was stopped: Node lets its code go on, a loop over several calls for example, so each further
 * call ends at once. The kernel's guard knows (`setup/kernelGuard.js`).
 */
function isOfStoppedCell(): boolean {
  const ask: unknown = Reflect.get(globalThis, Symbol.for('lowrank.isOfStoppedCell'));
  return typeof ask === 'function' && ask() === true;
}

/** Those who listen for all the work that goes on in this process: one of their own each would keep the others from ending it. */
let listening:
  | {
      readonly works: Set<AbortController>;
      /** The signal by which the process will end. */
      readonly fatal: () => NodeJS.Signals | undefined;
      readonly stop: () => void;
    }
  | undefined;

/** Adds to the work that a signal ends; gives what takes it out again. */
function join(work: AbortController): () => void {
  listening ??= listen();
  const { works, fatal, stop } = listening;
  works.add(work);
  const name = fatal();
  if (name) work.abort(name); // the process is ending already
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
