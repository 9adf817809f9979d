/** Replaces node:os. */
import { elseRefused } from './refusing';

/** The most that WebAssembly's memory of 32-bit addresses is asked for; browsers do not say what is free. */
const MOST_BYTES = 2 ** 31;

export default elseRefused('os', { freemem: () => MOST_BYTES, hostname: () => 'browser', cpus: () => [], availableParallelism: () => 1 });
