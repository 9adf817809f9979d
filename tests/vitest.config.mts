import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: file('..'),
  resolve: {
    // The sources themselves; the longer names first, for an alias takes what begins as it does.
    alias: {
      'lowrank/errors': file('../lib/lowrank/src/runtime/errors.ts'),
      'lowrank/internal': file('../lib/lowrank/src/internal.ts'),
      'lowrank-course': file('../notebooks/course/src/index.ts'),
      'lowrank-notebook': file('../lib/notebook/src/index.ts'),
      'lowrank-review/commands': file('../lib/review/src/cli/commands.ts'),
      'lowrank-review': file('../lib/review/src/index.ts'),
      lowrank: file('../lib/lowrank/src/index.ts'),
    },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks', // the native binding is not made for worker threads
    maxWorkers: 2,
    testTimeout: 60_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  },
});
