/** The commands that this package adds to `lowrank`. */
import type { Command, OptionSpec, SharedOptions } from 'lowrank/internal';

const task: OptionSpec = { value: 'TASK', help: 'necessity, comment or refinement' };
const data: OptionSpec = { value: 'PATH', help: 'review data: file, folder or .zip [REVIEW_DATA, else the lint reviews]' };

/** The folder layout that `train` writes and `review` reads. */
const layout = 'DIR contains one adapter folder in PEFT format per task: DIR/necessity, DIR/comment and DIR/refinement.';

export const commands = (shared: SharedOptions): Readonly<Record<string, Command>> => ({
  review: {
    spec: {
      summary: 'review a git diff, hunk by hunk',
      argument: { name: 'FILE', help: 'diff to review instead of the output of git; - reads stdin' },
      options: {
        base: { value: 'REF', help: 'review the changes since the common ancestor with REF [HEAD: uncommitted changes]' },
        model: shared.model,
        quantize: shared.quantize,
        adapter: {
          value: 'DIR',
          help: 'folder of adapters that `train` wrote [for the default model, the adapters of this package]',
          place: 'folder',
          excludes: 'untuned',
        },
        untuned: { help: 'print the output of the model without adapters; it is not a review' },
        exclude: {
          value: 'PATTERN',
          help: "skip matching files: package-lock.json, 'vendor/**', or both: '{package-lock.json,vendor/**}'",
        },
        format: { value: 'FORMAT', help: 'text, json or sarif [text]', choices: ['text', 'json', 'sarif'] },
        threshold: { value: 'P', help: 'lowest probability at which a hunk needs a review [as recorded with the adapter, else 0.5]' },
        'fail-on': { value: 'WHAT', help: 'review: exit with 1 if there is any review; none: exit with 0 [none]' },
        'max-hunks': {
          value: 'N',
          help: 'review only the first N hunks and report the rest as skipped; a long hunk counts once per 40 lines [200]',
        },
        'max-length': { value: 'N', help: 'maximum tokens of prompt and answer together [1024]' },
        'batch-size': { value: 'N', help: 'hunks per batch [8]' },
        beams: shared.beams,
        quiet: shared.quiet,
      },
      notes: `${layout}\nWithout DIR/necessity, every hunk gets a comment. Without DIR/refinement, no code is suggested.\n\nExit codes: 0 success; 1 reviews found with --fail-on review; 2 wrong usage or failure.`,
    },
    load: () => import('./review.js'),
  },
  train: {
    spec: {
      summary: 'fine-tune an adapter on a code review task, or on prompts and completions',
      options: {
        task: { value: 'TASK', help: 'necessity, comment or refinement; without it, --data contains prompts and completions' },
        output: { value: 'DIR', help: 'write the adapter to DIR/TASK; without a task, to DIR itself', place: 'output folder' },
        data: {
          value: 'PATH',
          help: 'review data: file, folder or .zip [REVIEW_DATA, else the lint reviews]; without a task, JSON lines of {prompt, completion} or {messages}',
        },
        ...shared.trainOptions,
        language: { help: 'name the programming language in the prompt', needs: 'task' },
      },
      loadOptions: shared.loadMethodOptions,
      notes: shared.trainNotes,
    },
    load: () => import('./train.js'),
  },
  eval: {
    spec: {
      summary: 'measure the scores of a task on held-out data',
      options: {
        task,
        data,
        model: shared.model,
        quantize: shared.quantize,
        adapter: {
          value: 'DIR',
          help: 'folder that contains TASK, or the adapter folder itself; without it, the untuned model is measured',
          place: 'folder',
        },
        examples: { value: 'N', help: 'maximum test examples [200]' },
        'max-length': { value: 'N', help: 'maximum tokens of prompt and answer together [1024]' },
        'batch-size': { value: 'N', help: 'examples per batch [8]' },
        workers: { value: 'N', help: 'local processes that share the examples; see docs/beyond-one-machine.md for several machines [1]' },
        beams: shared.beams,
        'by-language': { help: 'also print scores for each programming language' },
        json: shared.json,
        quiet: shared.quiet,
      },
      notes:
        'Scores range from 0 to 100 and have a 95 % bootstrap interval.\nNecessity is measured at the threshold recorded with the adapter, else 0.5.',
    },
    load: () => import('./eval.js'),
  },
  experiment: {
    spec: {
      summary: 'compare fine-tuning methods on the three tasks',
      argument: { name: 'FILE', help: 'configuration file, for example experiments/reviewer.json' },
      options: {
        form: { value: 'NAME', help: 'form of the configuration to run [short]' },
        output: { value: 'FILE', help: 'file for the results', place: 'output file' },
        work: {
          value: 'DIR',
          help: 'folder for finished results, from which the same command resumes [build/experiment]',
          place: 'output folder',
        },
        workers: { value: 'N', help: 'processes that share the device; for a small model on a large GPU [1]' },
        minutes: { value: 'N', help: 'stop after N minutes, and write the table of what is finished [no limit]' },
        worker: { value: 'N', help: 'run parts as one of N processes and write no table; --workers starts such processes' },
        collect: { help: 'run nothing; write the table of finished results and list the missing ones' },
        data,
        model: shared.model,
        quiet: shared.quiet,
      },
      notes:
        'Ctrl-C stops after the current step; the same command resumes. Beside FILE.json, all answers are written to FILE.answers.jsonl.gz.',
    },
    load: () => import('./experiment.js'),
  },
});
