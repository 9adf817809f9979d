/** The commands: this package's own, and those of `lowrank-review` where it is installed. */
import type { Command, CommandSpec } from './command';
import { beams, json, maxLength, model, quantize, quiet, seed } from './options';

/** The options of `train` that depend neither on the data nor on the method. */
export const trainOptions = {
  model,
  quantize,
  steps: { value: 'N', help: 'updates [200]' },
  examples: { value: 'N', help: 'maximum training examples [all]' },
  'held-out': { value: 'N', help: 'examples to validate on [one for 25 that are trained on, 8 to 64]' },
  'batch-size': { value: 'N', help: 'examples per batch [4]' },
  accumulate: { value: 'N', help: 'batches per update [2]' },
  'learning-rate': { value: 'X', help: "peak learning rate [the method's own]" },
  'max-length': maxLength,
  seed,
  checkpoint: { value: 'DIR', help: 'where the run is saved and resumed; kept at its end [run inside the output, removed at its end]' },
  force: { help: 'replace an adapter that the output holds' },
  log: { value: 'FILE', help: 'write a line of JSON per update' },
  quiet,
} as const satisfies CommandSpec['options'];

/** The options of `train` that its methods bring along: their table is behind TensorFlow. */
export const loadMethodOptions = async () => (await import('./methodOptions.js')).options;

/** What `train` says about itself below its options. */
export const trainNotes =
  'Ctrl-C saves the run after the running step, and the same command resumes it.\nThe time left is shown from the first update on: 200 updates of the default model on the lint reviews take 15 to 30 minutes on two cores.';

const own: Readonly<Record<string, Command>> = {
  setup: {
    spec: {
      summary: 'make the environment of the project that this package is installed in',
      options: {
        tensorflow: { value: 'KIND', help: 'cpu or gpu [gpu where nvidia-smi runs]' },
        python: { value: 'NAME', help: 'Python 3.10 to 3.13 [PYTHON, else python3]' },
        force: { help: 'make it anew' },
      },
      notes: 'Needs a C++ compiler. TensorFlow, the default model and the compiled binding land in .lowrank beside node_modules.',
    },
    load: () => import('./setup.js'),
  },
  train: {
    spec: {
      summary: 'fine-tune an adapter on prompts and completions',
      options: {
        data: { value: 'FILE', help: 'JSON lines of {prompt, completion} or {messages}' },
        output: { value: 'DIR', help: 'where the adapter is written' },
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
      argument: { name: 'PROMPT', help: 'the prompt; - or nothing reads stdin' },
      options: {
        model,
        quantize,
        adapter: { value: 'DIR', help: 'an adapter, a PEFT folder' },
        chat: { help: "put the prompt into the model's chat template" },
        'max-new-tokens': { value: 'N', help: 'maximum new tokens [128]' },
        temperature: { value: 'X', help: '0 takes the likeliest token each time [0]' },
        'top-p': { value: 'P', help: 'draw from the likeliest tokens of this share [1]' },
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
        adapter: { value: 'DIR', help: 'the adapter, a PEFT folder' },
        output: { value: 'DIR', help: 'where the merged model is written, as a Hugging Face folder' },
        force: { help: 'replace a model that DIR holds' },
        model,
        quiet,
      },
    },
    load: () => import('./merge.js'),
  },
  info: {
    spec: {
      summary: 'describe a model or an adapter',
      options: { model, adapter: { value: 'DIR', help: 'an adapter, or a folder of adapters' }, json },
    },
    load: () => import('./info.js'),
  },
};

/** What needs the other package, and is named where that is missing. */
export const OF_REVIEW = ['review', 'eval', 'experiment'];

/** Every command by name; where both packages have one, the other package's does more. */
export async function allCommands(): Promise<Readonly<Record<string, Command>>> {
  return { ...own, ...(await commandsOfReview()) };
}

/** What `lowrank-review` exports to here. */
interface Extension {
  readonly commands: Readonly<Record<string, Command>>;
}

async function commandsOfReview(): Promise<Extension['commands']> {
  // A name that the compiler does not follow: this package does not depend on that one. It is found beside this package and nowhere
  // else, so that the folder that is worked in cannot bring code along.
  const extension: string = 'lowrank-review/commands';
  try {
    return ((await import(extension)) as Extension).commands;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return {};
    throw error;
  }
}
