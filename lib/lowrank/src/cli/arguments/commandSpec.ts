/** The arguments and options of a command. Imports nothing slow, because help must appear at once. */

import type { Place } from './checkPlace';

/** An option of a command. Every limit stated here is checked before anything is loaded. */
export interface OptionSpec {
  /** Placeholder for the value in the help; an option without it is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly place?: Place;
  readonly choices?: readonly string[];
  /** Another option, without which this one does nothing. */
  readonly needs?: string;
  /** Another option, beside which this one does nothing. */
  readonly excludes?: string;
}

/** The arguments and options that a command accepts, with their help. */
export interface CommandSpec {
  readonly summary: string;
  /** The one positional argument, if the command takes one. */
  readonly argument?: { readonly name: string; readonly help: string };
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Further options that can only be listed once TensorFlow has started. */
  loadOptions?(): Promise<Readonly<Record<string, OptionSpec>>>;
  /** Text below the options. */
  readonly notes?: string;
}

/** The specification with the options of `loadOptions` included. */
export async function completeSpec(spec: CommandSpec): Promise<CommandSpec> {
  return { ...spec, options: { ...spec.options, ...(await spec.loadOptions?.()) } };
}
