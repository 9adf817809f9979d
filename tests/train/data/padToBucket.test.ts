import { LlamaForCausalLM, ShapeError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { learnedPositions } from '../../../lib/lowrank/src/llama/nextTokenLoss';
import { bucketWidth, paddedPositions, padToBucket } from '../../../lib/lowrank/src/train/data/padToBucket';
import { tensorBatch } from '../../../lib/lowrank/src/train/data/tensorBatch';

test('a run of all lengths up to 512 has 20 widths, four to each doubling, and pads by a quarter at most', () => {
  const widths = Array.from({ length: 512 }, (_, i) => bucketWidth(i + 1));
  expect([...new Set(widths)].length).toBe(20);
  for (const [i, width] of widths.entries()) {
    expect(width).toBeGreaterThanOrEqual(i + 1);
    if (i >= 32) expect(width / (i + 1)).toBeLessThanOrEqual(1.25);
  }
  expect([1, 8, 9, 64, 65, 100, 129, 257].map(bucketWidth)).toEqual([8, 8, 16, 64, 80, 112, 160, 320]);
});

test('a batch that is padded keeps its loss, and one that would exceed the positions its width', () => {
  const config = { vocabSize: 20, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 };
  const model = LlamaForCausalLM.fromConfig({ ...config, initializerRange: 0.5 });
  const inputIds = [
    [1, 2, 3, 4, 5],
    [6, 7, 8, 0, 0],
  ];
  const batch = {
    inputIds,
    labels: [inputIds[0] ?? [], [6, 7, 8, -100, -100]],
    attentionMask: [
      [1, 1, 1, 1, 1],
      [1, 1, 1, 0, 0],
    ],
  };
  const loss = (given: typeof batch) =>
    tf.tidy(() => {
      const { inputIds, labels, ...options } = tensorBatch(given);
      return model.loss(inputIds, labels, options).dataSync()[0];
    });
  const padded = padToBucket(batch) as typeof batch;
  expect(padded.inputIds[0]?.length).toBe(8);
  expect(loss(padded)).toBeCloseTo(loss(batch) ?? 0, 5);
  expect(padToBucket(batch, 7)).toBe(batch);
  model.dispose();
});

/** Two rows of 100 tokens, of which the last `count` of each have labels. */
const lastLabels = (count: number) =>
  Array.from({ length: 2 }, () => Array.from({ length: 100 }, (_, t) => (t < 100 - count ? -100 : t % 20)));

test('the positions that predict a label come in 64, 128 or all, filled up by one that predicts nothing', () => {
  const counts = Array.from({ length: 100 }, (_, count) => paddedPositions(lastLabels(count))?.length);
  expect(counts.slice(0, 33)).toEqual(new Array(33).fill(64));
  expect(counts.slice(33, 65)).toEqual(new Array(32).fill(128));
  expect(counts.slice(65)).toEqual(new Array(35).fill(undefined));
  const positions = paddedPositions(lastLabels(3)) ?? [];
  expect(positions.slice(0, 6)).toEqual([96, 97, 98, 196, 197, 198]);
  expect(new Set(positions.slice(6))).toEqual(new Set([99]));
  expect(learnedPositions(lastLabels(3))).toEqual(positions.slice(0, 6));
});

test('rows of different lengths are refused, not evened out', () => {
  const ragged = { inputIds: [[1, 2, 3], [1]], labels: [[1, 2, 3], [1]] };
  expect(() => tensorBatch(padToBucket(ragged))).toThrow(ShapeError);
});
