import fc from 'fast-check';
import {
  AdaptionPromptConfig,
  ArgumentError,
  type Batch,
  evaluateLoss,
  getPeftModel,
  LoraConfig,
  makeBatches,
  padBatch,
  ShapeError,
  type TrainableModel,
  type TrainingExample,
  tf,
} from 'lowrank';
import { packBatch, packRows, tensorBatch } from 'lowrank/internal';
import { describe, expect, test } from 'vitest';
import { learnedTokens, realTokens } from '../../../lib/lowrank/src/train/data/batch';
import { addMicroBatch } from '../../../lib/lowrank/src/train/step/gradients';
import { fill, relativeError, tinyModel } from '../../peft/tinyModel';

const example = (...inputIds: number[]): TrainingExample => ({ inputIds, labels: inputIds.map((id, t) => (t === 1 ? -100 : id)) });
const EXAMPLES = [example(1, 5, 9, 3, 17), example(1, 22, 4), example(1, 12, 13, 14, 15, 16, 33), example(1, 8), example(30, 2, 11, 7)];

describe('packRows', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 200 });

  test('loses no example, splits none and overfills no row', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 20, max: 60 }), (sizes, width) => {
        const examples = sizes.map((size, index) => example(...new Array<number>(size).fill(index)));
        const rows = packRows(examples, width);
        expect(new Set(rows.flat())).toEqual(new Set(examples));
        expect(rows.flat()).toHaveLength(examples.length);
        for (const row of rows) expect(row.flatMap(({ inputIds }) => inputIds).length).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('fills rows of many examples almost to the brim', () => {
    const examples = Array.from({ length: 500 }, (_, i) => example(...new Array<number>(5 + ((i * 37) % 60)).fill(1)));
    const tokens = examples.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
    expect(tokens / (packRows(examples, 256).length * 256)).toBeGreaterThan(0.95);
  });

  test('refuses an example longer than a row, and a width that is none', () => {
    expect(() => packRows([example(1), example(1, 2, 3)], 2)).toThrow(/example 1 has 3 tokens and rows are packed to 2/);
    for (const width of [0, 2.5, Number.NaN]) expect(() => packRows([example(1)], width)).toThrow(ArgumentError);
  });
});

describe('packBatch', () => {
  test('numbers the examples of a row from 1, padding 0, and drops the first label of each', () => {
    expect(packBatch([[example(5, 6, 7), example(8, 9)], [example(4)]], 6, { padTokenId: 2 })).toEqual({
      inputIds: [
        [5, 6, 7, 8, 9, 2],
        [4, 2, 2, 2, 2, 2],
      ],
      labels: [
        [-100, -100, 7, -100, -100, -100],
        [-100, -100, -100, -100, -100, -100],
      ],
      segmentIds: [
        [1, 1, 1, 2, 2, 0],
        [1, 0, 0, 0, 0, 0],
      ],
    });
  });

  test('counts the tokens that the padded batch counts', () => {
    const packed = packBatch([EXAMPLES], 24, { padTokenId: 0 });
    const padded = padBatch(EXAMPLES, { padTokenId: 0 });
    expect([learnedTokens(packed), realTokens(packed)]).toEqual([learnedTokens(padded), realTokens(padded)]);
    expect(realTokens(packed)).toBe(21);
  });

  test('refuses rows that do not fit and labels that are missing', () => {
    expect(() => packBatch([[example(1, 2), example(3)]], 2, { padTokenId: 0 })).toThrow(/a row of 3 tokens does not fit 2/);
    expect(() => packBatch([[{ inputIds: [1, 2], labels: [1] }]], 2, { padTokenId: 0 })).toThrow(ShapeError);
  });
});

describe('a packed batch', () => {
  const padded = padBatch(EXAMPLES, { padTokenId: 0 });
  const packed = packBatch([EXAMPLES.slice(0, 3), EXAMPLES.slice(3)], 16, { padTokenId: 0 });

  function lossAndGradients(model: TrainableModel, batch: Batch) {
    return tf.tidy(() => addMicroBatch(model, { ...tensorBatch(batch), weight: tf.scalar(1) }, { loss: tf.scalar(0), grads: {} }));
  }

  function expectSame(model: TrainableModel, parameters: number) {
    const [one, two] = [lossAndGradients(model, packed), lossAndGradients(model, padded)];
    expect(relativeError(one.loss, two.loss)).toBeLessThan(1e-6);
    expect(Object.keys(one.grads)).toHaveLength(parameters);
    for (const [name, gradient] of Object.entries(two.grads)) {
      expect(gradient.abs().max().dataSync()[0], name).toBeGreaterThan(1e-6);
      expect(relativeError(one.grads[name] as tf.Tensor, gradient), name).toBeLessThan(1e-5);
    }
  }

  test('has the loss and the gradients of the same examples padded, for a whole model', () => {
    const model = tinyModel();
    expectSame(model, [...model.trainableParameters()].length);
  });

  test('has them for LoRA whose B is not 0', () => {
    const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 4, targetModules: ['q_proj', 'k_proj', 'v_proj', 'down_proj'] }));
    fill(peft.trainableParameters().values());
    expectSame(peft, 24);
  });

  test('has them for a prefix whose gate is not 0', () => {
    const peft = getPeftModel(tinyModel(), new AdaptionPromptConfig({ adapterLen: 5, adapterLayers: 2 }));
    fill(peft.trainableParameters().values());
    expectSame(peft, 4);
  });

  test('gives each example the logits it has alone', () => {
    const model = tinyModel();
    const logits = model.forward(packed.inputIds, { segmentIds: packed.segmentIds });
    const second = EXAMPLES[1]?.inputIds ?? [];
    const alone = model.forward([second]);
    expect(relativeError(logits.slice([0, 5, 0], [1, 3, -1]), alone)).toBeLessThan(1e-5);
  });

  test('has the mean loss of the same examples padded', async () => {
    const model = tinyModel();
    const { loss, tokens } = await evaluateLoss(model, [padded]);
    const evaluation = await evaluateLoss(model, [packed]);
    expect(evaluation.tokens).toBe(tokens);
    expect(evaluation.loss).toBeCloseTo(loss, 6);
  });
});

describe('makeBatches with pack', () => {
  test('gives batches of one width that hold every example once', () => {
    const batches = makeBatches(EXAMPLES, { batchSize: 2, padTokenId: 0, pack: 8, seed: 1 });
    expect(batches.map(({ inputIds }) => inputIds.map((row) => row.length))).toEqual([[8, 8], [8]]);
    expect(batches.reduce((sum, batch) => sum + realTokens(batch), 0)).toBe(21);
    expect(makeBatches(EXAMPLES, { batchSize: 2, padTokenId: 0, pack: 8, seed: 1 })).toEqual(batches);
  });

  test('does not go with bucketByLength', () => {
    expect(() => makeBatches(EXAMPLES, { batchSize: 2, padTokenId: 0, pack: 8, bucketByLength: true })).toThrow(/leave it out/);
  });
});

describe('segmentIds', () => {
  const model = tinyModel();
  const ids = [[1, 5, 9, 3]];

  test('are refused where they cannot be meant', () => {
    expect(() => model.forward(ids, { segmentIds: [[1, 2, 1, 1]] })).toThrow(/segment 1 begins again at row 0, position 2/);
    expect(() => model.forward(ids, { segmentIds: [[1, 1.5, 2, 2]] })).toThrow(ArgumentError);
    expect(() => model.forward(ids, { segmentIds: [[1, 1, 2]] })).toThrow(ShapeError);
    expect(() => model.forward(ids, { segmentIds: [[1, 1, 2, 2]], attentionMask: [[1, 1, 1, 1]] })).toThrow(/in?stead|take the place/);
  });

  test('show in the attention: nobody looks into another segment', () => {
    const [weights] = model.attentions(ids, { segmentIds: [[1, 1, 2, 2]] });
    const [first] = (weights?.arraySync() ?? []) as number[][][][];
    for (const head of first ?? []) {
      expect(head.slice(2).map((row) => row.slice(0, 2))).toEqual([
        [0, 0],
        [0, 0],
      ]);
      expect(head[2]?.[2]).toBeCloseTo(1, 6);
    }
  });
});
