/** The commands that this package adds to `lowrank`. */
import {
  beams,
  type Command,
  json,
  loadMethodOptions,
  model,
  type OptionSpec,
  quantize,
  quiet,
  trainNotes,
  trainOptions,
} from 'lowrank/internal';

const task: OptionSpec = { value: 'TASK', help: 'necessity, comment or refinement' };
const data: OptionSpec = { value: 'PATH', help: 'review data: file, folder or .zip [REVIEW_DATA, else the lint reviews]' };

/** The layout that `train` writes and `review` reads. */
const layout = 'DIR holds the adapters of the three tasks as DIR/necessity, DIR/comment and DIR/refinement, each a PEFT folder.';

export const commands: Readonly<Record<string, Command>> = {
  review: {
    spec: {
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
        'max-length': { value: 'N', help: 'maximum tokens of prompt and answer [1024]' },
        'batch-size': { value: 'N', help: 'hunks at a time [8]' },
        beams,
        quiet,
      },
      notes: `${layout}\nWithout DIR/necessity every hunk is commented on; without DIR/refinement no code is suggested.\n\nExit codes: 0 done; 1 there are reviews and --fail-on review was given; 2 wrong usage or failure.`,
    },
    load: () => import('./review.js'),
  },
  train: {
    spec: {
      summary: 'fine-tune an adapter, on one task of code review or on prompts and completions',
      options: {
        task: { value: 'TASK', help: 'necessity, comment or refinement; without it --data holds prompts and completions' },
        output: { value: 'DIR', help: 'where DIR/TASK is written; without a task, DIR itself' },
        data: {
          value: 'PATH',
          help: 'review data: file, folder or .zip [REVIEW_DATA, else the lint reviews]; without a task, JSON lines of {prompt, completion} or {messages}',
        },
        ...trainOptions,
        language: { help: 'name the programming language in the prompt' },
      },
      loadOptions: loadMethodOptions,
      notes: trainNotes,
    },
    load: () => import('./train.js'),
  },
  eval: {
    spec: {
      summary: "measure a task's scores on held-out data",
      options: {
        task,
        data,
        model,
        quantize,
        adapter: { value: 'DIR', help: 'DIR/TASK, or an adapter itself; without it the untuned model is measured' },
        examples: { value: 'N', help: 'maximum test examples [200]' },
        'max-length': { value: 'N', help: 'maximum tokens of prompt and answer [1024]' },
        'batch-size': { value: 'N', help: 'examples at a time [8]' },
        beams,
        'by-language': { help: 'a score for each programming language' },
        json,
        quiet,
      },
      notes: 'Every score is from 0 to 100, with a 95 % bootstrap interval.',
    },
    load: () => import('./eval.js'),
  },
  experiment: {
    spec: {
      summary: 'compare fine-tuning methods on the three tasks',
      argument: { name: 'FILE', help: 'the configuration, such as experiments/reviewer.json' },
      options: {
        form: { value: 'NAME', help: 'which of its forms to run [short]' },
        output: { value: 'FILE', help: 'where the results are written' },
        work: { value: 'DIR', help: 'keeps what is finished, so that the same command resumes [build/experiment]' },
        collect: { help: 'run nothing: write the table of what is finished, and what is missing' },
        data,
        model,
        quiet,
      },
      notes: 'Ctrl-C ends after the running step; the same command resumes.',
    },
    load: () => import('./experiment.js'),
  },
};
