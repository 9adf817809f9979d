/** What a command is. Imports nothing that takes time, so that help comes at once. */
import type { CommandArguments } from './commandArguments';
import type { Streams } from './streams';

/** An option of a command. */
export interface OptionSpec {
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string;
  readonly help: string;
}

/** What can be typed after a command, and its help. */
export interface CommandSpec {
  readonly summary: string;
  /** What may stand beside the options. */
  readonly argument?: { readonly name: string; readonly help: string };
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** More options, which take as long to know as TensorFlow takes to start. */
  loadOptions?(): Promise<Readonly<Record<string, OptionSpec>>>;
  /** More to know, below the options. */
  readonly notes?: string;
}

/** What can be typed after a command, with the options that must be loaded. */
export async function completeSpec(spec: CommandSpec): Promise<CommandSpec> {
  return { ...spec, options: { ...spec.options, ...(await spec.loadOptions?.()) } };
}

/** Runs a command and returns its exit code. */
export type Run = (args: CommandArguments, streams: Streams) => Promise<number>;

/** A command: its code is loaded when it runs, because TensorFlow takes a second to start. */
export interface Command {
  readonly spec: CommandSpec;
  load(): Promise<{ readonly run: Run }>;
}
