/** In place of node:process: no environment, and nobody who sends signals. */
export default {
  env: {},
  versions: { node: 'none' },
  pid: 1,
  stderr: { isTTY: false, write: () => true },
  cpuUsage: () => ({ user: 0, system: 0 }),
  memoryUsage: { rss: () => 0 },
  on: () => undefined,
  off: () => undefined,
  listenerCount: () => 0,
  kill: () => undefined,
};
