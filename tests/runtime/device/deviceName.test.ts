import fs from 'node:fs';
import { deviceInfo } from 'lowrank';
import { expect, test } from 'vitest';
import { deviceName } from '../../../lib/lowrank/src/runtime';

test.runIf(deviceInfo().device === 'CPU' && fs.existsSync('/proc/cpuinfo'))('names the processor as the system does', () => {
  const model = /^model name\s*:\s*(.+)$/m.exec(fs.readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  expect(deviceName()).toBe(model?.trim() ?? 'CPU');
});
