/** All commands: those of this package, and those of `lowrank-review` if it is installed. */

import type { CommandSpec, OptionSpec } from '../arguments/commandSpec';
import type { Command } from '../command';

const model: OptionSpec = { value: 'PATH', help: 'GGUF file or Hugging Face folder [the MODEL variable, else the default model]' };
const quantize: OptionSpec = {
  value: 'FORMAT',
  help: 'store the weights as q4_1, int8 or nf4 to save memory [float32]',
  choices: ['q4_1', 'int8', 'nf4'],
};
const json: OptionSpec = { help: 'print JSON' };
const seed: OptionSpec = { value: 'N', help: 'random seed [0]' };
const beams: OptionSpec = { value: 'N', help: 'number of beams; 1 turns beam search off [1]' };
const quiet: OptionSpec = { help: 'print only warnings and errors on stderr' };
const maxLength: OptionSpec = { value: 'N', help: 'maximum tokens per example; longer code is cut [512]' };

/** The options of `train` that depend neither on the data nor on the method. */
export const trainOptions = {
  model,
  quantize,
  steps: { value: 'N', help: 'updates [200]' },
  examples: { value: 'N', help: 'maximum training examples [all]' },
  'held-out': { value: 'N', help: 'validation examples [one per 25 training examples, 8 to 64]' },
  'batch-size': { value: 'N', help: 'examples per batch [4]' },
  accumulate: { value: 'N', help: 'batches per update [2]' },
  'learning-rate': { value: 'X', help: "peak learning rate [the method's own]" },
  'max-length': maxLength,
  seed,
  checkpoint: {
    value: 'DIR',
    help: 'folder to save and resume the run; kept when it ends [run in the output folder, removed when it ends]',
    place: 'output folder',
  },
  workers: { value: 'N', help: 'local processes that train together; see docs/beyond-one-machine.md for several machines [1]' },
  'max-restarts': { value: 'K', help: 'restarts of all workers from the last checkpoint after one is lost [3]', needs: 'workers' },
  force: { help: 'replace the adapter in the output folder' },
  log: { value: 'FILE', help: 'write one line of JSON per update', place: 'output file' },
  quiet,
} as const satisfies CommandSpec['options'];

/** The options of `train` that belong to a method. Loading their table starts TensorFlow. */
export const loadMethodOptions = async () => (await import('../arguments/methodOptions.js')).options;

/** Notes below the options of `train`. */
export const trainNotes =
  'Ctrl-C saves the run after the current step; the same command resumes it.\nThe remaining time appears after the first update. 200 updates of the default model on the lint reviews take 15 to 30 minutes on two cores.';

const own: Readonly<Record<string, Command>> = {
  setup: {
    spec: {
      summary: 'install TensorFlow, the binding and the default model for a project',
      options: {
        tensorflow: { value: 'KIND', help: 'cpu or gpu [gpu where nvidia-smi runs]', choices: ['cpu', 'gpu'] },
        python: { value: 'NAME', help: 'Python 3.10 to 3.13 [PYTHON, else python3]' },
        force: { help: 'install again' },
      },
      notes:
        'Needs a C++ compiler. TensorFlow, the default model and the compiled binding are installed into .lowrank beside node_modules.',
    },
    load: () => import('./setup.js'),
  },
  train: {
    spec: {
      summary: 'fine-tune an adapter on prompts and completions',
      options: {
        data: { value: 'FILE', help: 'JSON lines of {prompt, completion} or {messages}' },
        output: { value: 'DIR', help: 'folder for the adapter', place: 'output folder' },
        ...trainOptions,
      },
      loadOptions: loadMethodOptions,
      notes: trainNotes,
    },
    load: () => import('./train.js'),
  },
  generate: {
    spec: {
      summary: 'continue a prompt',
      argument: { name: 'PROMPT', help: 'the prompt; - or no argument reads stdin, without its last line end' },
      options: {
        model,
        quantize,
        adapter: { value: 'DIR', help: 'adapter folder in PEFT format', place: 'folder' },
        chat: { help: "apply the model's chat template to the prompt" },
        'max-new-tokens': { value: 'N', help: 'maximum new tokens [128]' },
        temperature: { value: 'X', help: 'sampling temperature; 0 always takes the most likely token [0]' },
        'top-p': { value: 'P', help: 'sample from the most likely tokens with this total probability [1]', needs: 'temperature' },
        beams,
        seed,
        quiet,
      },
    },
    load: () => import('./generate.js'),
  },
  merge: {
    spec: {
      summary: 'merge an adapter into the weights of its model',
      options: {
        adapter: { value: 'DIR', help: 'adapter folder in PEFT format', place: 'folder' },
        output: { value: 'DIR', help: 'Hugging Face folder for the merged model', place: 'output folder' },
        force: { help: 'replace the model in the output folder' },
        model,
        quiet,
      },
    },
    load: () => import('./merge.js'),
  },
  info: {
    spec: {
      summary: 'describe a model or an adapter',
      options: {
        model,
        adapter: { value: 'DIR', help: 'adapter folder, or a folder of adapters', place: 'folder', excludes: 'model' },
        json,
      },
    },
    load: () => import('./info.js'),
  },
};

/** The commands of `lowrank-review`, named in the error message when that package is missing. */
export const OF_REVIEW = ['review', 'eval', 'experiment'];

/** Every command by name. A command of `lowrank-review` replaces the one of the same name here, because it does more. */
export async function allCommands(): Promise<Readonly<Record<string, Command>>> {
  return { ...own, ...(await commandsOfReview()) };
}

export const shared = { beams, json, loadMethodOptions, model, quantize, quiet, trainNotes, trainOptions };

/** The parts that the commands of `lowrank-review` share with these. They are passed: an import would load TensorFlow to print a help text. */
export type SharedOptions = typeof shared;

/** The export of `lowrank-review` that this file reads. */
interface Extension {
  readonly commands: (options: SharedOptions) => Readonly<Record<string, Command>>;
}

async function commandsOfReview(): Promise<Readonly<Record<string, Command>>> {
  // The type `string` keeps the compiler from following the import: this package does not depend on lowrank-review. Node resolves
  // the name from this file's folder only, so the working directory cannot inject code.
  const extension: string = 'lowrank-review/commands';
  try {
    return ((await import(extension)) as Extension).commands(shared);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return {};
    throw error;
  }
}
