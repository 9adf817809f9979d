// Loaded into the kernel before tslab, which only prints an unhandled rejection, so that a headless run would end green
// with a broken result. Where LOWRANK_HEADLESS names a file, such an error is written there and the kernel dies: the file
// tells of it even when it happens after the last cell has been answered.
//
// And it has the stop button act at every moment of a cell that awaits something: see below.
'use strict';
const { appendFileSync, writeSync } = require('node:fs');
const { AsyncLocalStorage } = require('node:async_hooks');
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

// tslab binds its sockets side by side and answers the first message as soon as that one's is bound. On a busy machine the socket that it
// publishes on is not yet, and refuses to send: the message would go unanswered. Messages wait until all are bound.
const { ZmqServer } = require('tslab/dist/jupyter');
const { init, handleShellMessage } = ZmqServer.prototype;
ZmqServer.prototype.init = function () {
  this.isBound = init.call(this);
  return this.isBound;
};
ZmqServer.prototype.handleShellMessage = async function (...message) {
  await this.isBound;
  return handleShellMessage.apply(this, message);
};

// tslab's TypeScript watches the folders that packages are looked up in, and throws from a timer when they change while a cell runs: an `npm
// install` or a build beside a notebook would end it. Packages are as they were when the kernel started; a restart sees new ones.
const { sys } = require('@tslab/typescript-for-tslab');
const { watchFile } = sys;
const unwatched = { close() {} };
sys.watchDirectory = () => unwatched;
sys.watchFile = (path, ...rest) => (path.includes('/node_modules/') ? unwatched : watchFile(path, ...rest));

// tslab runs a cell with `breakOnSigint`, up to the first `await`. For that Node takes all listeners of SIGINT away, and puts them back
// afterwards: a signal that came while tslab translated the cell is lost, one that comes while Node changes over is lost too or ends the
// kernel, and one that comes in between cuts off whatever runs, TensorFlow's bookkeeping included. A cell that awaits something is therefore
// run without it: the signal waits until the cell awaits, and then ends the cell and the work that it awaits. A cell without `await` can be
// stopped only by being cut off, so that a stop while it is being translated still has no effect.
const { runInThisContext } = vm;
let running = { isStopped: false };
vm.runInThisContext = (code, options) => {
  if (!options?.breakOnSigint) return runInThisContext(code, options); // no cell
  const isAwaiting = code.startsWith('(async function(exports, require) {');
  const run = () => runInThisContext(code, { ...options, filename: nameCell(code), breakOnSigint: !isAwaiting });
  if (!isAwaiting) return run();
  running = { isStopped: false };
  return cells.run(running, run);
};

// A stop between two calls of a loop ends the cell for tslab, while Node lets the loop go on. The library asks here before each piece of
// long work whether the cell that began it was stopped.
const cells = new AsyncLocalStorage();
globalThis[Symbol.for('lowrank.isOfStoppedCell')] = () => cells.getStore()?.isStopped === true;
process.on('SIGINT', () => {
  running.isStopped = true;
});
