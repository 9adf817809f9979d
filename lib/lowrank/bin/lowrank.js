#!/usr/bin/env node
// A file of its own, and not in dist/, so that it is there when npm links it, before anything is compiled.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.noDeprecation = true; // tfjs uses an old function of Node's, which is no concern of who types this
process.stdout.on('error', ({ code }) => {
  if (code === 'EPIPE') process.exit(0); // the reader, such as head, has left
  process.stderr.write(`lowrank: the output cannot be written (${code}); check the disk that it goes to\n`);
  process.exit(2);
});
require('../dist/cli/main.js')
  .main(process.argv.slice(2))
  .catch((error) => {
    console.error(error); // a fault of the program itself
    return 2;
  })
  .then((code) => {
    process.exitCode = code;
  });
