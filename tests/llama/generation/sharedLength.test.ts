import { expect, test } from 'vitest';
import { sharedLength, worthSharing } from '../../../lib/lowrank/src/llama/generation/sharedLength';

test('rows share what all begin with, and each keeps a token of its own', () => {
  const sharing = [
    [[], 0],
    [[[1, 2, 3]], 0],
    [
      [
        [1, 2, 3],
        [1, 2, 4],
      ],
      2,
    ],
    [
      [
        [1, 2, 3],
        [1, 2],
      ],
      1,
    ],
    [
      [
        [1, 2],
        [1, 2],
      ],
      1,
    ],
    [
      [
        [1, 2, 3],
        [1, 2, 3, 4],
        [1, 5, 3],
      ],
      1,
    ],
    [[[1, 2], []], 0],
  ] as const;
  for (const [rows, length] of sharing) expect(sharedLength(rows)).toBe(length);
});

test('a beginning is read once where that saves a bucket of padding for enough rows', () => {
  const alike = (rows: number, shared: number, own: number) =>
    Array.from({ length: rows }, (_, row) => [...Array<number>(shared).fill(7), ...Array<number>(own).fill(8 + row)]);
  expect(worthSharing(alike(8, 62, 58))).toBe(56); // 128 becomes 64, as with 63 and 57
  expect(worthSharing(alike(8, 63, 57))).toBe(56);
  expect(worthSharing(alike(8, 62, 70))).toBe(56); // 192 becomes 128
  expect(worthSharing(alike(8, 100, 60))).toBe(96); // 192 becomes 64
  expect(worthSharing(alike(8, 90, 38))).toBe(64); // 128 becomes 64: more would take a longer cache
  expect(worthSharing(alike(8, 62, 66))).toBe(0); // 128 stays 128
  expect(worthSharing(alike(4, 62, 58))).toBe(0); // 200 tokens are too few
});
