import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The tests of the small parts run in one process per worker: to load TensorFlow and the library takes longer than most of these files do,
 * and none of them changes what another one sees. All others get a process of their own.
 */
const SHARED = [
  'tests/{io,nn,notebook,peft/files,peft/lora}/**/*.test.ts',
  'tests/runtime/{checks/,device/,memory/,messages/,}!(interruptible).test.ts',
];

export default defineConfig({
  root: file('..'),
  resolve: {
    // The sources themselves; the longer names first, for an alias takes what begins as it does.
    alias: {
      'lowrank/errors': file('../lib/lowrank/src/runtime/errors.ts'),
      'lowrank/internal': file('../lib/lowrank/src/internal.ts'),
      'lowrank-course': file('../notebooks/course/src/index.ts'),
      'lowrank-notebook/internal': file('../lib/notebook/src/internal.ts'),
      'lowrank-notebook': file('../lib/notebook/src/index.ts'),
      'lowrank-review/commands': file('../lib/review/src/cli/commands.ts'),
      'lowrank-review': file('../lib/review/src/index.ts'),
      lowrank: file('../lib/lowrank/src/index.ts'),
    },
  },
  test: {
    pool: 'forks', // the native binding is not made for worker threads
    maxWorkers: 2,
    testTimeout: 60_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
    projects: [
      { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
      { extends: true, test: { name: 'own', include: ['tests/**/*.test.ts'], exclude: SHARED } },
    ],
  },
});
