// Loaded into the kernel before tslab, which only prints an unhandled rejection, so that a headless run would end green
// with a broken result. Where LOWRANK_HEADLESS names a file, such an error is written there and the kernel dies: the file
// tells of it even when it happens after the last cell has been answered.
//
// And it has the stop button act at every moment of a cell that awaits something: see below.
'use strict';
const { appendFileSync, writeSync } = require('node:fs');
const vm = require('node:vm');
const { nameCell } = require('./cellErrors');

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

// tslab runs a cell with `breakOnSigint`, up to the first `await`. For that Node takes all listeners of SIGINT away, and puts them back
// afterwards: a signal that came while tslab translated the cell is lost, one that comes while Node changes over is lost too or ends the
// kernel, and one that comes in between cuts off whatever runs, TensorFlow's bookkeeping included. A cell that awaits something is therefore
// run without it: the signal waits until the cell awaits, and then ends the cell and the work that it awaits. A cell without `await` can be
// stopped only by being cut off, so that a stop while it is being translated still has no effect.
const { runInThisContext } = vm;
vm.runInThisContext = (code, options) => {
  if (!options?.breakOnSigint) return runInThisContext(code, options); // no cell
  const isAwaiting = code.startsWith('(async function(exports, require) {');
  return runInThisContext(code, { ...options, filename: nameCell(code), breakOnSigint: !isAwaiting });
};
