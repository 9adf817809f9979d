/** The `lowrank` program. */

import { inspect } from 'node:util';
import { nearestName } from '../runtime/checks/checkKnown';
import { checkNode } from '../runtime/device/checkNode';
import { LowrankError } from '../runtime/errors';
import { printable, printableMessage } from '../runtime/messages/printable';
import { reasonOf } from '../runtime/messages/reasonOf';
import { version } from '../runtime/version';
import { CommandArguments } from './arguments/commandArguments';
import { completeSpec } from './arguments/commandSpec';
import { commandHelp, programHelp } from './arguments/help';
import { allCommands, OF_REVIEW } from './commands/commands';
import { LOST } from './exitCodes';
import { processStreams, type Streams } from './streams';
import { UsageError } from './usageError';

/**
 * Runs the program. Returns 0 on success, 1 when `review --fail-on review` reported something, 2 for wrong usage or a failure, and 3 when another worker
 * of the cluster was lost.
 *
 * @param words - the words after `lowrank`
 */
export async function main(words: readonly string[], streams: Streams = processStreams): Promise<number> {
  const [name, ...rest] = words;
  const commands = await allCommands();
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    (name === undefined ? streams.stderr : streams.stdout).write(programHelp(commands));
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-V') {
    streams.stdout.write(`${version()}\n`);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    streams.stderr.write(`${printableMessage(`lowrank: ${unknownCommand(name, Object.keys(commands))}`)}\n`);
    return 2;
  }
  const options = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined);
  if (options.includes('--help') || options.includes('-h')) {
    streams.stdout.write(commandHelp(name, await completeSpec(command.spec)));
    return 0;
  }
  try {
    checkNode();
    const args = new CommandArguments(await completeSpec(command.spec), rest);
    const { run } = await command.load();
    return await run(args, streams);
  } catch (error) {
    streams.stderr.write(`${printableMessage(`lowrank ${name}: ${toldAs(error, name)}`)}\n`);
    if (!(error instanceof UsageError || error instanceof LowrankError) && process.env.LOWRANK_DEBUG)
      streams.stderr.write(`${printable(inspect(error))}\n`);
    return error instanceof LowrankError && error.code === 'CLUSTER' ? LOST : 2;
  }
}

function unknownCommand(name: string, names: readonly string[]): string {
  if (OF_REVIEW.includes(name)) return `'${name}' needs the package lowrank-review: npm install lowrank-review`;
  const meant = nearestName(name, names);
  return `unknown command '${name}'; ${meant ? `did you mean ${meant}?` : `the commands are ${names.join(', ')}`}`;
}

/** The message for the user. An unexpected error adds how to print its stack trace. */
function toldAs(error: unknown, name: string): string {
  if (error instanceof UsageError) return `${error.message}; see lowrank ${name} --help`;
  if (error instanceof LowrankError) return error.message;
  return `unexpected error: ${reasonOf(error)} (a bug in this program; LOWRANK_DEBUG=1 prints the stack trace)`;
}
