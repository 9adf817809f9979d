/** The interface of a command. Imports nothing slow, because help must appear at once. */
import type { CommandArguments } from './arguments/commandArguments';
import type { CommandSpec } from './arguments/commandSpec';
import type { Streams } from './streams';

/** Runs a command and returns its exit code. */
export type Run = (args: CommandArguments, streams: Streams) => Promise<number>;

/** A command. Its code is loaded only when it runs, because TensorFlow takes a second to start. */
export interface Command {
  readonly spec: CommandSpec;
  load(): Promise<{ readonly run: Run }>;
}
