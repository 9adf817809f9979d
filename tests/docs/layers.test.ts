import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('no layer imports from one above it, and the drawing of the layers is the one that docs/layers.py makes', () => {
  const drawn = execFileSync('.venv/bin/python', ['docs/layers.py', '--print'], { encoding: 'utf8' });
  expect(drawn).toBe(readFileSync('docs/layers.svg', 'utf8'));
});
