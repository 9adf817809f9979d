// Loaded into the kernel before tslab, which only prints an unhandled rejection, so that a headless run would end green
// with a broken result. Where LOWRANK_HEADLESS names a file, such an error is written there and the kernel dies: the file
// tells of it even when it happens after the last cell has been answered.
'use strict';
const { appendFileSync, writeSync } = require('node:fs');

const report = process.env.LOWRANK_HEADLESS;
// tslab answers a heartbeat that comes while it shuts down, on a socket that it has closed: nothing of the notebook's.
const isShutdown = (reason) => reason?.message === 'Socket is closed' && /tslab[\\/]dist[\\/]jupyter\.js/.test(reason.stack);

if (report) {
  const end = (what) => (reason) => {
    if (isShutdown(reason)) return;
    const text = `${what} in a notebook: ${reason?.stack ?? reason}\n`;
    appendFileSync(report, text);
    writeSync(2, text);
    process.exit(70);
  };
  process.prependListener('unhandledRejection', end('unhandled rejection'));
  process.prependListener('uncaughtException', end('uncaught exception'));
}
