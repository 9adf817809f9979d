import fc from 'fast-check';
import { ArgumentError, MemoryError, makeBatches, padBatch, ShapeError, type TrainingExample, tf } from 'lowrank';
import { tensorBatch } from 'lowrank/internal';
import { describe, expect, test, vi } from 'vitest';
import { learnedTokens, realTokens } from '../../../lib/lowrank/src/train/data/batch';

const example = (...inputIds: number[]): TrainingExample => ({ inputIds, labels: inputIds.map((id, t) => (t === 0 ? -100 : id)) });
const someExamples = fc.array(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 40 });

describe('padBatch', () => {
  test('refuses rows that do not fit into memory, before it makes them', () => {
    const long: TrainingExample = { inputIds: Array<number>(1_000_000).fill(1), labels: Array<number>(1_000_000).fill(1) };
    vi.stubEnv('LOWRANK_MEMORY_LIMIT', '1MB');
    expect(() => padBatch([long, example(8)], { padTokenId: 2 })).toRefuse(
      MemoryError,
      /^padding 2 examples to 1000000 tokens takes 150 MB of memory, .* Take fewer examples at once, or shorter ones/,
    );
    vi.unstubAllEnvs();
  });

  test('fills the right with masked padding that has no label', () => {
    expect(padBatch([example(5, 6, 7), example(8)], { padTokenId: 2 })).toEqual({
      inputIds: [
        [5, 6, 7],
        [8, 2, 2],
      ],
      labels: [
        [-100, 6, 7],
        [-100, -100, -100],
      ],
      attentionMask: [
        [1, 1, 1],
        [1, 0, 0],
      ],
    });
  });

  test('fills the left where asked to', () => {
    const { inputIds, attentionMask } = padBatch([example(5, 6), example(8)], { padTokenId: 0, side: 'left' });
    expect(inputIds[1]).toEqual([0, 8]);
    expect(attentionMask?.[1]).toEqual([0, 1]);
  });

  test('leaves out the mask where nothing is padded', () => {
    expect(padBatch([example(5, 6), example(7, 8)], { padTokenId: 0 }).attentionMask).toBeUndefined();
  });

  test('refuses an example with a mask, which it would drop, and passes over its id', () => {
    const masked = { ...example(5, 6), attentionMask: [1, 0] };
    expect(() => padBatch([example(5, 6), masked], { padTokenId: 0 })).toRefuse(
      ArgumentError,
      'example 1 has attentionMask, which would be lost: give its tokens without padding',
    );
    expect(padBatch([{ ...example(5), id: 'a' } as TrainingExample], { padTokenId: 0 }).inputIds).toEqual([[5]]);
  });

  test('takes more examples than a call takes arguments', () => {
    expect(padBatch(Array<TrainingExample>(200_000).fill(example(5)), { padTokenId: 0, side: 'left' }).inputIds).toHaveLength(200_000);
  });

  test('refuses an empty batch and labels that do not fit', () => {
    expect(() => padBatch([], { padTokenId: 0 })).toThrow(ArgumentError);
    expect(() => padBatch([{ inputIds: [1, 2], labels: [1] }], { padTokenId: 0 })).toThrow(/example 0 has 2 ids but 1 labels/);
  });
});

describe('makeBatches', () => {
  test('gives every example exactly once, whatever the order', () => {
    fc.assert(
      fc.property(someExamples, fc.integer({ min: 1, max: 7 }), fc.nat(), fc.boolean(), (rows, batchSize, seed, bucketByLength) => {
        const batches = makeBatches(
          rows.map((row) => example(...row)),
          { batchSize, padTokenId: 0, seed, bucketByLength },
        );
        const found = batches.flatMap(({ inputIds }) => inputIds.map((row) => row.filter((id) => id !== 0).join()));
        expect(found.sort()).toEqual(rows.map((row) => row.join()).sort());
        expect(batches.every(({ inputIds }) => inputIds.length <= batchSize)).toBe(true);
      }),
    );
  });

  const rows = Array.from({ length: 40 }, (_, i) => example(...new Array<number>(1 + (i % 10)).fill(i + 1)));
  const options = { batchSize: 4, padTokenId: 0, seed: 3 };

  test('repeats an epoch for the same seed, and gives each epoch an order of its own', () => {
    expect(makeBatches(rows, options)).toEqual(makeBatches(rows, options));
    expect(makeBatches(rows, { ...options, epoch: 1 })).not.toEqual(makeBatches(rows, options));
    expect(makeBatches(rows, { ...options, seed: 4 })).not.toEqual(makeBatches(rows, options));
  });

  test('keeps the order without a seed', () => {
    const [first] = makeBatches(rows, { batchSize: 2, padTokenId: 0 });
    expect(first?.inputIds).toEqual([
      [1, 0],
      [2, 2],
    ]);
  });

  test('saves padding by length, with the batches still in random order', () => {
    const size = (batches: ReturnType<typeof makeBatches>) => batches.reduce((sum, { inputIds }) => sum + inputIds.flat().length, 0);
    const bucketed = makeBatches(rows, { ...options, bucketByLength: true });
    expect(size(bucketed)).toBeLessThan(0.75 * size(makeBatches(rows, options)));
    const widths = bucketed.map(({ inputIds }) => inputIds[0]?.length ?? 0);
    expect(widths).not.toEqual([...widths].sort((a, b) => a - b));
  });

  test('refuses a batch size that is no whole number', () => {
    for (const batchSize of [0, 1.5, Number.NaN]) expect(() => makeBatches(rows, { ...options, batchSize })).toThrow(ArgumentError);
  });
});

test('tokens are counted as the loss sees them: shifted, without -100, without padding', () => {
  const batch = padBatch([example(5, 6, 7), { inputIds: [8], labels: [8] }], { padTokenId: 0 });
  expect(learnedTokens(batch)).toBe(2); // the first label of a row has nothing before it
  expect(realTokens(batch)).toBe(4);
});

test('a batch becomes int32 tensors, and a ragged one is refused by name', () => {
  tf.tidy(() => {
    const { inputIds, labels, attentionMask } = tensorBatch(padBatch([example(5, 6), example(8)], { padTokenId: 0 }));
    expect([inputIds, labels, attentionMask].map((tensor) => [tensor?.dtype, tensor?.shape])).toEqual(new Array(3).fill(['int32', [2, 2]]));
    expect(() => tensorBatch({ inputIds: [[1, 2], [3]], labels: [[1, 2], [3]] })).toThrow(ShapeError);
    expect(() => tensorBatch({ inputIds: [[1, 2]], labels: [[1]] })).toThrow(/labels should be \[1,2\]/);
    expect(() => tensorBatch({ inputIds: [], labels: [] })).toThrow(ShapeError);
  });
});
