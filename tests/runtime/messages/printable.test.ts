import { expect, test, vi } from 'vitest';
import { printable, printableJson, printableMessage } from '../../../lib/lowrank/src/runtime/messages/printable';
import { warn } from '../../../lib/lowrank/src/runtime/messages/warn';

const HOSTILE = '\x1b[2J\x9b31m\u202Egnp\u2028\x07';

test('what could move a cursor, hide or turn text around is shown as U+FFFD; line ends and letters stay', () => {
  expect(printable(`a\tb\n${HOSTILE}é😀`)).toBe('a    b\n\uFFFD[2J\uFFFD31m\uFFFDgnp\uFFFD\uFFFDé😀');
});

test('a message of a megabyte is cut to 2,000 characters, with a mark', () => {
  expect(printableMessage('x'.repeat(2000))).toBe('x'.repeat(2000));
  expect(printableMessage('x'.repeat(1e6))).toBe(`${'x'.repeat(1999)}…`);
  expect(printableMessage('\t'.repeat(1999))).toHaveLength(2000);
});

test('JSON keeps the value and escapes what a terminal must not get', () => {
  const json = printableJson({ text: HOSTILE, rows: [1] });
  expect(JSON.parse(json)).toEqual({ text: HOSTILE, rows: [1] });
  expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test('warnings are shown without control characters', () => {
  const shown = vi.spyOn(console, 'warn').mockImplementation(() => {});
  warn(`a file says ${HOSTILE}`);
  expect(shown).toHaveBeenCalledWith('a file says \uFFFD[2J\uFFFD31m\uFFFDgnp\uFFFD\uFFFD');
  shown.mockRestore();
});
