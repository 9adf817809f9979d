import fs from 'node:fs';
import nodePath from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { nvidiaSmi } from '../../../lib/lowrank/src/runtime/device/nvidiaSmi';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const { PATH } = process.env;
afterEach(() => {
  process.env.PATH = PATH;
});

function tool(script: string): void {
  const path = folder('nvidia-smi');
  fs.mkdirSync(nodePath.dirname(path), { recursive: true });
  fs.writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env.PATH = `${nodePath.dirname(path)}:${PATH}`;
}

test('the first of several cards answers', () => {
  tool('echo "$1" | sed s/.*=//; echo "9.0"');
  expect(nvidiaSmi('compute_cap')).toBe('compute_cap');
});

test.each(['exit 9', 'true'])('a tool that fails or says nothing is as good as none: %s', (script) => {
  tool(script);
  expect(nvidiaSmi('name')).toBeUndefined();
});
