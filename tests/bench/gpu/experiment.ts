/** `lowrank experiment` as one file, for a GPU machine without npm packages. */
import { CommandArguments } from 'lowrank/internal';
import { shared } from '../../../lib/lowrank/dist/cli/commands/commands.js';
import { processStreams } from '../../../lib/lowrank/dist/cli/streams.js';
import { commands } from '../../../lib/review/dist/cli/commands.js';
import { run } from '../../../lib/review/dist/cli/experiment.js';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
const spec = commands(shared).experiment?.spec;
if (!spec) throw new Error('the command has no specification');
process.exitCode = await run(new CommandArguments(spec, process.argv.slice(2)), processStreams);
