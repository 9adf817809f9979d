import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';

const inFolder = temporaryFolder();

const PATCH = `diff -u -r a/one.h b/one.h
--- a/one.h\t2026-01-01
+++ b/one.h\t2026-01-02
@@ -1,3 +1,4 @@
 first
+between
 
-third
+THIRD
@@ -6,1 +7,2 @@
 sixth
+last
`;

function patch(text: string): { status: number | null; said: string; now: string } {
  writeFileSync(inFolder('one.h'), text);
  writeFileSync(inFolder('one.patch'), PATCH);
  const { status, stderr } = spawnSync('.venv/bin/python', ['lib/lowrank/setup/binding/patch.py', inFolder('.'), inFolder('one.patch')], {
    encoding: 'utf8',
  });
  return { status, said: stderr.trim(), now: readFileSync(inFolder('one.h'), 'utf8') };
}

test('a patch of two hunks is applied where its numbers say', () => {
  const { status, now } = patch('first\n\nthird\nfourth\nfifth\nsixth\n');
  expect(status).toBe(0);
  expect(now).toBe('first\nbetween\n\nTHIRD\nfourth\nfifth\nsixth\nlast\n');
});

test('a file that is not what the patch expects stays as it is, and is named with the line', () => {
  const text = 'first\n\nother\nfourth\nfifth\nsixth\n';
  const { status, said, now } = patch(text);
  expect(status).toBe(1);
  expect(said).toContain('one.patch, one.h: line 1 is not what the patch expects');
  expect(now).toBe(text);
});
