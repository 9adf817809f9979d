/** What a command accepts. Imports nothing slow, because help must appear at once. */

/** An option of a command. */
export interface OptionSpec {
  /** Placeholder for the value in the help; an option without it is a switch. */
  readonly value?: string;
  readonly help: string;
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
