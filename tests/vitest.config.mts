import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: file('..'),
  resolve: { alias: { lowrank: file('../lib/src/index.ts') } },
  test: {
    include: ['tests/**/*.test.ts'],
    pool: 'forks', // the native binding is not made for worker threads
    maxWorkers: 2,
    testTimeout: 60_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  },
});
