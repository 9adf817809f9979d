import { type Batch, getPeftModel, LoraConfig, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { learnedTokens } from '../../../lib/lowrank/src/train/data/batch';
import { piecesOf } from '../../../lib/lowrank/src/train/data/workerRows';
import { IDS, LABELS, tinyModel } from '../../peft/tinyModel';

/** Rows of four tokens, of which so many are learned each. */
function batch(first: number, learned: readonly number[]): Batch {
  const inputIds = learned.map((_, row) => [first + row, 1, 2, 3]);
  return { inputIds, labels: learned.map((count, row) => (inputIds[row] ?? []).map((id, t) => (t > 3 - count ? id : -100))) };
}

const UPDATE = [batch(10, [3, 1, 2]), batch(20, [0, 3]), batch(30, [2])];

describe("the workers' parts of an update", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 9])('every row that has something to learn is at one of %i workers, and the shares sum to 1', (size) => {
    const parts = Array.from({ length: size }, (_, rank) => piecesOf(UPDATE, { rank, size }));
    const rows = parts.flat().flatMap(({ batch: { inputIds } }) => inputIds.map(([id]) => id));
    const wanted = size === 1 ? [10, 11, 12, 20, 21, 30] : [10, 11, 12, 21, 30];
    expect(rows.filter((id) => size === 1 || id !== 20)).toEqual(wanted);
    expect(parts.flat().reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    const total = UPDATE.reduce((sum, each) => sum + learnedTokens(each), 0);
    for (const { batch: part, share } of parts.flat()) expect(share).toBeCloseTo(learnedTokens(part) / total, 12);
  });

  test('a part says which rows of which batch it is; a whole batch says nothing', () => {
    expect(piecesOf(UPDATE, { rank: 1, size: 4 }).map(({ index, rows }) => [index, rows])).toEqual([[0, { first: 1, count: 2, of: 3 }]]);
    expect(piecesOf(UPDATE, { rank: 1, size: 2 }).map(({ index, rows }) => [index, rows])).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
  });
});

test('dropout gives some rows of a batch the masks that they have in the whole batch', () => {
  const model = getPeftModel(tinyModel(), new LoraConfig({ r: 2, loraDropout: 0.5, initLoraWeights: false }), { seed: 1 }).train();
  const loss = (rows: readonly number[], range?: { first: number; count: number; of: number }) => {
    const pick = (all: readonly number[][]) => rows.map((row) => all[row] ?? []);
    model.dropoutStep = 7;
    model.dropoutRows = range;
    return tf.tidy(() => model.loss(pick(IDS), pick(LABELS)).dataSync()[0] ?? Number.NaN);
  };
  const learned = LABELS.map((row) => learnedTokens({ inputIds: [row], labels: [row] }));
  const parts = [loss([0], { first: 0, count: 1, of: 3 }), loss([1, 2], { first: 1, count: 2, of: 3 })];
  const counts = [learned[0] ?? 0, (learned[1] ?? 0) + (learned[2] ?? 0)];
  const mean = ((parts[0] ?? 0) * (counts[0] ?? 0) + (parts[1] ?? 0) * (counts[1] ?? 0)) / ((counts[0] ?? 0) + (counts[1] ?? 0));
  expect(mean).toBeCloseTo(loss([0, 1, 2]), 6);
  expect(parts[1]).not.toBeCloseTo(loss([1, 2]), 4); // without the range they get those of the first rows
  model.dispose();
});
