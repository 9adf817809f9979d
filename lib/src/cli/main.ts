/** The command `lowrank`. */

import { nearestName } from '../runtime/checkKnown';
import { LowrankError } from '../runtime/errors';
import { printableMessage } from '../runtime/printable';
import { reasonOf } from '../runtime/reasonOf';
import { CommandArguments } from './commandArguments';
import { type CommandName, commandSpecs } from './commandSpecs';
import { commandHelp, programHelp } from './help';
import { processStreams, type Streams } from './streams';
import { UsageError } from './usageError';
import { version } from './version';

/** Runs a command and gives its exit code. */
export type Command = (args: CommandArguments, streams: Streams) => Promise<number>;

// Loaded when they are run: TensorFlow takes a second to start, and help should not wait for it.
const commands: Readonly<Record<CommandName, () => Promise<{ readonly run: Command }>>> = {
  review: () => import('./review.js'),
  train: () => import('./train.js'),
  eval: () => import('./eval.js'),
  generate: () => import('./generate.js'),
  merge: () => import('./merge.js'),
  info: () => import('./info.js'),
  experiment: () => import('./experiment.js'),
};

/**
 * Runs the program: 0 when it did what was asked, 1 when `review --fail-on review` found something to say, 2 for wrong usage or failure.
 *
 * @param words - what was typed after `lowrank`
 */
export async function main(words: readonly string[], streams: Streams = processStreams): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    (name === undefined ? streams.stderr : streams.stdout).write(programHelp());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V') {
    streams.stdout.write(`${version()}\n`);
    return 0;
  }
  if (!isCommand(name)) {
    const meant = nearestName(name, Object.keys(commandSpecs));
    const help = meant ? `did you mean ${meant}?` : `there are ${Object.keys(commandSpecs).join(', ')}`;
    streams.stderr.write(`${printableMessage(`lowrank: there is no command '${name}'; ${help}`)}\n`);
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    streams.stdout.write(commandHelp(name));
    return 0;
  }
  try {
    const args = new CommandArguments(name, rest);
    const { run } = await commands[name]();
    return await run(args, streams);
  } catch (error) {
    streams.stderr.write(`${printableMessage(`lowrank ${name}: ${toldAs(error, name)}`)}\n`);
    if (!(error instanceof UsageError || error instanceof LowrankError) && process.env.LOWRANK_DEBUG) console.error(error);
    return 2;
  }
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commandSpecs, name);
}

/** An error as a user reads it; a fault of the program itself says how to see where it was. */
function toldAs(error: unknown, name: CommandName): string {
  if (error instanceof UsageError) return `${error.message}; see lowrank ${name} --help`;
  if (error instanceof LowrankError) return error.message;
  return `unexpected: ${reasonOf(error)} (a fault of this program; LOWRANK_DEBUG=1 shows where)`;
}
