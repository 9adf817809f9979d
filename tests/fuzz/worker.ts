/**
 * `node worker.ts FORMAT FROM TO FOLDER`: reads the cases of some seeds, one after the other. It says on the third channel what it is at, a line
 * before each case and one after, so that a case that ends the process, or never ends, is known to whoever watches.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { inputOf, minimised } from './cases.ts';
import { formats, type Main, openFormat } from './formats.ts';
import { tryInput } from './tryInput.ts';

const [name, from, to, folder = ''] = process.argv.slice(2);
const { main } = createRequire(import.meta.url)('../../lib/lowrank/dist/cli/main.js') as { main: Main };
const format = formats.find((one) => one.name === name);
if (!format) throw new Error(`there is no format ${name}`);
const say = (message: object) => void fs.writeSync(3, `${JSON.stringify(message)}\n`);
const open = await openFormat(format, folder, main);
for (let seed = Number(from); seed <= Number(to); seed++) {
  say({ at: seed });
  const input = inputOf(format, seed);
  const outcome = await tryInput(open, input);
  const smallest = outcome.kind === 'fault' ? await minimised(open, input) : undefined;
  // What a case did once, and not again, is still said, with its whole input.
  const known = smallest?.outcome.kind === 'fault' ? { what: smallest.outcome.what, input: smallest.input.toString('base64') } : {};
  say({ seed, ...outcome, ...(smallest && { input: input.toString('base64'), ...known }) });
}
process.exit(0);
