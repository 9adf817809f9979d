/** Letting Ctrl-C, a notebook's stop button and `kill` end long work between two steps instead of inside one. */
import process from 'node:process';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs the work with a signal that is aborted by the given one, by SIGINT and by SIGTERM.
 *
 * Where nobody else listens, the process ends by the received signal as usual once the work has come to its end, and at once when
 * the signal comes again. Where somebody does, such as a notebook's kernel, what happens then is theirs to say.
 */
export async function interruptible<T>(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupts = new AbortController();
  let fatal: NodeJS.Signals | undefined;
  const listeners = SIGNALS.map((name) => {
    const isAlone = process.listenerCount(name) === 0;
    const listener = () => {
      if (isAlone && fatal) end(fatal);
      if (isAlone) fatal = name;
      interrupts.abort(name);
    };
    process.on(name, listener);
    return { name, listener };
  });
  const stopListening = () => {
    for (const { name, listener } of listeners) process.off(name, listener);
  };
  const end = (name: NodeJS.Signals) => {
    stopListening();
    process.kill(process.pid, name);
  };
  try {
    return await work(given ? AbortSignal.any([given, interrupts.signal]) : interrupts.signal);
  } finally {
    stopListening();
    if (fatal) end(fatal);
  }
}
