import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * These run in one process per worker, one file after the other: to load TensorFlow and the library takes longer than most of them do, and none
 * changes what another one sees. What is in none of these lists gets a process of its own.
 */
const SHARED = [
  'tests/{cli,course,io,llama,nn,notebook,peft,review,train}/**/!(ownAdapters).test.ts',
  'tests/runtime/{checks/,device/,memory/,messages/,}*.test.ts',
  'tests/runtime/compile/{graph/,tracing/,}!(llama|firstCall|twoCopies|contextFunction).test.ts',
  'tests/{differential/differential,index,toRefuse}.test.ts',
  'tests/notebooks/prose/*.test.ts',
  'tests/runtime/browser/{buffer,fs,operations}.test.ts',
  'tests/setup/publicFace.test.ts',
];
/**
 * These start processes, hundreds of them, and hold no tensors. They share processes of their own: to start one takes a process longer the more memory
 * it holds, and those of the tests above hold gigabytes.
 */
const STARTING = [
  'tests/{docs,site,browser}/**/*.test.ts',
  'tests/notebooks/{pages/,}{drift,figures,pages,sideBySide}.test.ts',
  'tests/setup/{check,layers,lockFile,patch,paths,progress,readme}.test.ts',
  'tests/review/{diff/realGit,cli/gitDiff}.test.ts',
];
/** Of the first list, what measures the memory of its process, frees all of its variables, replaces or reloads modules, or sends its process a signal. */
const NOT_SHARED = [
  'tests/llama/files/hostileModels.test.ts',
  'tests/runtime/device/bfloat16Support.test.ts',
  'tests/llama/files/loadParameters.test.ts',
  'tests/train/optimizer/{adamw,stackedMoments}.test.ts',
  'tests/course/check.test.ts',
  'tests/train/cluster/brokenSum.test.ts',
  'tests/runtime/interruptible.test.ts',
];

/** These compute with as many threads as the machine has: the native kernels, which share their work out, runs repeated bit by bit, and workers. */
const THREADED = [
  'tests/nn/kernels/*.test.ts',
  'tests/runtime/compile/nativeKernels.test.ts',
  'tests/llama/generation/compiledDecoder.test.ts',
  'tests/train/{kill,resume}.test.ts',
  'tests/cli/workers.test.ts',
];

/** It presses the stop button during work of every kind; how well XLA optimises that does not matter, and it starts its processes itself. */
const STOPPED = 'tests/notebooks/kernel/stopButton.test.ts';

/**
 * For projects that compile hundreds of tiny programs and run each for moments: XLA does not optimise there, nor share a program out to threads, and
 * takes half the time. In the projects without it, XLA compiles as it does for users.
 */
const QUICK_XLA_FLAGS = `${process.env.XLA_FLAGS ?? ''} --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1`;
/** They are marked as checked, where nobody has added flags. Otherwise each process that a test starts looks them up in TensorFlow's library. */
const QUICK_XLA = { XLA_FLAGS: QUICK_XLA_FLAGS, ...(!process.env.XLA_FLAGS && { LOWRANK_CHECKED_XLA_FLAGS: QUICK_XLA_FLAGS }) };

/** The sizes of these tests are too small for threads: handing parts of an operation to them costs a seventh of their time. */
const ONE_THREAD = { TF_NUM_INTRAOP_THREADS: '1' };

/** For files with tensors that share processes: the variables of one are disposed of before the next. */
const FREED_TOGETHER = { isolate: false, setupFiles: [file('./toRefuse.ts'), file('./freed.ts')] };

/**
 * What takes longest begins first, for at the end it would keep a core waiting. Files that mostly wait, for workers or for
 * time to pass, do not follow each other.
 */
const LONGEST = [
  'train/cluster/cluster',
  'setup/installed',
  'runtime/compile/llama',
  'notebooks/execute',
  'llama/generation/compiledDecoder',
  'train/cluster/hosts',
  'review/cli/review',
  'review/answeringWorkers',
  'cli/commands/commands',
  'hello',
  'cli/workers',
  'notebooks/kernel/stopButton',
  'train/kill',
  'review/cli/ownAdapters',
  'train/cluster/inFlight',
  'train/resume',
  'fuzz/fuzz',
  'setup/hostileHome',
  'setup/nativeSanitizers',
  'notebooks/kernel/cellErrors',
  'runtime/interruptible',
  'llama/files/loadParameters',
  'runtime/browser/everyExport',
  'nn/kernels/quantizedRowProduct',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((name) => moduleId.endsWith(`/tests/${name}.test.ts`));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  root: file('..'),
  resolve: {
    // The sources themselves; the longer names first, for an alias takes what begins as it does.
    alias: {
      'lowrank/errors': file('../lib/lowrank/src/runtime/errors.ts'),
      'lowrank/internal': file('../lib/lowrank/src/internal.ts'),
      'lowrank-course': file('../notebooks/course/src/index.ts'),
      'lowrank-notebook/internal': file('../lib/notebook/src/internal.ts'),
      'lowrank-notebook': file('../lib/notebook/src/door.ts'),
      'lowrank-review/commands': file('../lib/review/src/cli/commands.ts'),
      'lowrank-review': file('../lib/review/src/door.ts'),
      lowrank: file('../lib/lowrank/src/door.ts'),
    },
  },
  test: {
    pool: 'forks', // the native binding is not made for worker threads
    maxWorkers: 3, // for two cores: some tests wait for processes and for time to pass
    testTimeout: 180_000, // nothing takes so long on a quiet machine
    hookTimeout: 180_000,
    setupFiles: file('./toRefuse.ts'),
    sequence: { sequencer: LongestFirst },
    // What tests start keeps its compiled JavaScript, as under make: that saves a sixth of the time that a process needs to load the library.
    env: { TF_CPP_MIN_LOG_LEVEL: '2', NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? file('../build/compileCache') },
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: SHARED,
          exclude: [...NOT_SHARED, ...STARTING, ...THREADED],
          env: { ...QUICK_XLA, ...ONE_THREAD },
          ...FREED_TOGETHER,
        },
      },
      { extends: true, test: { name: 'threaded', include: THREADED, env: QUICK_XLA, ...FREED_TOGETHER } },
      { extends: true, test: { name: 'not shared', include: [...NOT_SHARED, STOPPED], env: QUICK_XLA } },
      { extends: true, test: { name: 'starting', include: STARTING, isolate: false } },
      { extends: true, test: { name: 'own', include: ['tests/**/*.test.ts'], exclude: [...SHARED, ...STARTING, STOPPED] } },
    ],
  },
});
