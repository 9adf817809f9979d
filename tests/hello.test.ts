import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

it('make hello shows a model before and after ten steps on one example, which it then knows', () => {
  const checkout = resolve(import.meta.dirname, '..');
  const output = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'hello.mts'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  const lesson = 'def greet(name):\n    return f"Hello from low rank, {name}!"';
  const [before = '', rest = ''] = output.split('3. Freeze it');
  expect(before).toContain('def greet(name):');
  expect(before).not.toContain(lesson);
  expect(rest.split('4. Train')[0]).toContain('460,800');
  const losses = [...rest.matchAll(/step +\d+ {2}loss (\d+\.\d+) {2}█/g)].map(([, loss]) => Number(loss));
  expect(losses).toHaveLength(10);
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 3);
  expect(output.split('5. Let it complete')[1]).toContain(lesson);
}, 300_000);
