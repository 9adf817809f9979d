import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** A run of some notebooks, or one that only looks, leaves the kernel alone. */
const isWhole = !process.env.ONLY && !process.env.LOOK;

/** What `make test-browser` runs; no file of it is among those of `make test`. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: [`tests/browser/${isWhole ? '*' : 'notebooks'}.browser.ts`],
    fileParallelism: false, // the notebooks measure, and take the whole machine
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
