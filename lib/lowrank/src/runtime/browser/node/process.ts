/** Replaces node:process: a page has no environment and gets no signals. */
import { refusing } from './refusing';

export default {
  env: {},
  versions: { node: 'none' },
  pid: 1,
  hrtime: { bigint: refusing("a run that can be resumed (Node's process.hrtime)") },
  stderr: { isTTY: false, write: () => true },
  cpuUsage: () => ({ user: 0, system: 0 }),
  memoryUsage: { rss: () => 0 },
  on: () => undefined,
  off: () => undefined,
  listenerCount: () => 0,
  kill: () => undefined,
};
