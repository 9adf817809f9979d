// Loaded into the kernel before tslab. tslab only prints an unhandled rejection, so a headless run would end green
// with a broken result; where LOWRANK_HEADLESS is set, the kernel dies instead and nbconvert reports it.
'use strict';
const { writeSync } = require('node:fs');

if (process.env.LOWRANK_HEADLESS) {
  process.prependListener('unhandledRejection', (reason) => {
    writeSync(2, `unhandled rejection in a notebook: ${reason?.stack ?? reason}\n`);
    process.exit(70);
  });
}
