/** What can be typed: the commands, their options and their help. Imports nothing, so that help comes at once. */

/** An option of a command. */
export interface OptionSpec {
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string;
  readonly help: string;
}

/** A command. */
export interface CommandSpec {
  readonly summary: string;
  /** What may stand beside the options. */
  readonly argument?: { readonly name: string; readonly help: string };
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** More to know, below the options. */
  readonly notes?: string;
}

const model: OptionSpec = { value: 'PATH', help: 'GGUF file or Hugging Face folder [MODEL, else the model of make setup]' };
const quantize: OptionSpec = { value: 'FORMAT', help: 'hold the weights in q4_1, int8 or nf4: less memory [as float32]' };
const json: OptionSpec = { help: 'print JSON' };
const task: OptionSpec = { value: 'TASK', help: 'necessity, comment or refinement' };
const maxLength: OptionSpec = { value: 'N', help: 'most tokens of an example; longer code is cut [512]' };
const seed: OptionSpec = { value: 'N', help: 'what chance is drawn from [0]' };
const data: OptionSpec = { value: 'PATH', help: 'review data: file, folder or .zip [REVIEW_DATA, else the lint reviews]' };
const beams: OptionSpec = { value: 'N', help: 'beams of the search; 1 writes greedily [1]' };

const quiet: OptionSpec = { help: 'only warnings and errors on stderr' };

/** The layout that `train` writes and `review` reads. */
const layout = 'DIR holds the adapters of the three tasks as DIR/necessity, DIR/comment and DIR/refinement, each a PEFT folder.';

/** Every command, by name. */
export const commandSpecs = {
  review: {
    summary: 'review a git diff, hunk by hunk',
    argument: { name: 'FILE', help: 'a diff to review instead of running git; - for stdin' },
    options: {
      base: { value: 'REF', help: 'review what has changed since the common ancestor with REF [HEAD: what is not committed]' },
      model,
      quantize,
      adapter: { value: 'DIR', help: 'the adapters, as `train` writes them' },
      untuned: { help: 'show what the model writes without adapters; no review' },
      exclude: { value: 'PATTERN', help: "leave files out, such as package-lock.json or 'vendor/**'" },
      format: { value: 'FORMAT', help: 'text, json or sarif [text]' },
      threshold: { value: 'P', help: 'probability from which a hunk is said to need a review [0.5]' },
      'fail-on': { value: 'WHAT', help: 'review: exit with 1 when there is a review; none: do not [none]' },
      'max-hunks': { value: 'N', help: 'review the first N hunks only, and say so; a long hunk counts once per 40 lines [200]' },
      'max-length': { value: 'N', help: 'most tokens of prompt and answer [1024]' },
      'batch-size': { value: 'N', help: 'hunks at a time [8]' },
      beams,
      quiet,
    },
    notes: `${layout}\nWithout DIR/necessity every hunk is commented on; without DIR/refinement no code is suggested.\n\nExit codes: 0 done; 1 there are reviews and --fail-on review was given; 2 wrong usage or failure.`,
  },
  train: {
    summary: 'fine-tune an adapter on one task',
    options: {
      task,
      output: { value: 'DIR', help: 'where DIR/TASK is written' },
      data,
      model,
      quantize,
      method: { value: 'METHOD', help: 'lora or prefix [lora]' },
      rank: { value: 'N', help: 'rank of LoRA [16]' },
      alpha: { value: 'N', help: 'alpha of LoRA; the scale is alpha/rank [twice the rank]' },
      dropout: { value: 'P', help: 'dropout of LoRA [0.05]' },
      'prefix-length': { value: 'N', help: 'vectors of a prefix [10]' },
      layers: { value: 'N', help: 'layers with a prefix, from the top [all but two]' },
      steps: { value: 'N', help: 'updates [200]' },
      examples: { value: 'N', help: 'most training examples [all]' },
      'held-out': { value: 'N', help: 'examples to validate on [one for 25 that are trained on, 8 to 64]' },
      'batch-size': { value: 'N', help: 'examples per batch [4]' },
      accumulate: { value: 'N', help: 'batches per update [2]' },
      'learning-rate': { value: 'X', help: "the highest one [the method's own]" },
      'max-length': maxLength,
      language: { help: 'name the programming language in the prompt' },
      seed,
      checkpoint: { value: 'DIR', help: 'where the run is saved and gone on with; kept at its end [DIR/TASK/run, removed at its end]' },
      force: { help: 'replace an adapter that DIR/TASK holds' },
      log: { value: 'FILE', help: 'write a line of JSON per update' },
      quiet,
    },
    notes:
      'Ctrl-C saves the run after the running step, and the same command goes on from there.\nThe time left is shown from the first update on: it depends on the machine, and 200 updates of the default model take many minutes.',
  },
  eval: {
    summary: "measure a task's scores on held-out data",
    options: {
      task,
      data,
      model,
      quantize,
      adapter: { value: 'DIR', help: 'DIR/TASK, or an adapter itself; without it the untuned model is measured' },
      examples: { value: 'N', help: 'most test examples [200]' },
      'max-length': { value: 'N', help: 'most tokens of prompt and answer [1024]' },
      'batch-size': { value: 'N', help: 'examples at a time [8]' },
      beams,
      'by-language': { help: 'a score for each programming language' },
      json,
      quiet,
    },
    notes: 'Every score is from 0 to 100, with a 95 % bootstrap interval.',
  },
  generate: {
    summary: 'write on from a prompt',
    argument: { name: 'PROMPT', help: 'the prompt; - or nothing reads stdin' },
    options: {
      model,
      quantize,
      adapter: { value: 'DIR', help: 'an adapter, a PEFT folder' },
      chat: { help: "put the prompt into the model's chat template" },
      'max-new-tokens': { value: 'N', help: 'most tokens to write [128]' },
      temperature: { value: 'X', help: '0 takes the likeliest token each time [0]' },
      'top-p': { value: 'P', help: 'draw from the likeliest tokens of this share [1]' },
      beams,
      seed,
      quiet,
    },
  },
  merge: {
    summary: 'put a LoRA adapter into the weights of its model',
    options: {
      adapter: { value: 'DIR', help: 'the adapter, a PEFT folder' },
      output: { value: 'DIR', help: 'where the merged model is written, as a Hugging Face folder' },
      force: { help: 'replace a model that DIR holds' },
      model,
      quiet,
    },
  },
  info: {
    summary: 'say what a model or an adapter is',
    options: { model, adapter: { value: 'DIR', help: 'an adapter, or a folder of adapters' }, json },
  },
  experiment: {
    summary: 'compare methods of fine-tuning on the three tasks',
    argument: { name: 'FILE', help: 'the configuration, such as experiments/reviewer.json' },
    options: {
      form: { value: 'NAME', help: 'which of its forms to run [short]' },
      output: { value: 'FILE', help: 'where the results are written' },
      work: { value: 'DIR', help: 'keeps what is finished, so that the same command goes on [build/experiment]' },
      collect: { help: 'run nothing: write the table of what is finished, and what is missing' },
      data,
      model,
      quiet,
    },
    notes: 'Ctrl-C ends after the running step; the same command goes on from there.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

/** The name of a command. */
export type CommandName = keyof typeof commandSpecs;
