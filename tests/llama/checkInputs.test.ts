import { ArgumentError, type LlamaConfig, llamaConfig, ShapeError, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { checkLabels, checkLength, idTensor, maskTensor, segmentTensor } from '../../lib/lowrank/src/llama/checkInputs';

const config: LlamaConfig = llamaConfig({
  vocabSize: 10,
  hiddenSize: 4,
  intermediateSize: 4,
  numHiddenLayers: 1,
  numAttentionHeads: 1,
  maxPositionEmbeddings: 8,
});

/** The values of a tensor, which is freed. */
function values(tensor: tf.Tensor): unknown {
  const array = tensor.arraySync();
  tensor.dispose();
  return array;
}

describe('token ids', () => {
  test('become an int32 tensor; a tensor of int32 passes as it is', () => {
    const ids = idTensor(
      [
        [0, 9],
        [3, 4],
      ],
      config,
    );
    expect(ids.dtype).toBe('int32');
    expect(values(ids)).toEqual([
      [0, 9],
      [3, 4],
    ]);
    const given = tf.tensor2d([[1, 2]], undefined, 'int32');
    expect(idTensor(given, config)).toBe(given);
    given.dispose();
  });

  test('of a tensor are checked too on a CPU, and must be of int32', () => {
    tf.tidy(() => {
      const ids = tf.tensor2d([[1, 10]], undefined, 'int32');
      expect(() => idTensor(ids, config)).toThrow('token id 10 at row 0, position 1 is not in the vocabulary, 0…9');
      expect(() => checkLabels(ids, ids, config)).toThrow('label 10 at row 0, position 1 is neither -100 nor in the vocabulary');
      for (const others of [tf.tensor2d([[1, 2.5]]), tf.tensor2d([[1, 0]], undefined, 'bool')])
        expect(() => idTensor(others, config)).toThrow(`inputIds is a tensor of ${others.dtype}: make it one of int32`);
    });
  });

  test.each<[number[][], typeof ArgumentError | typeof ShapeError, string]>([
    [[[1, 10]], ArgumentError, 'token id 10 at row 0, position 1 is not in the vocabulary, 0…9'],
    [[[1], [-1]], ArgumentError, 'token id -1 at row 1, position 0'],
    [[[Number.NaN]], ArgumentError, 'token id NaN'],
    [[], ShapeError, 'at least one row'],
    [[[]], ShapeError, 'at least one row of at least one value'],
    [[[1, 2], [3]], ShapeError, 'row 1 has 1 values, row 0 has 2'],
  ])('%j are refused', (ids, kind, message) => {
    expect(() => idTensor(ids, config)).toThrow(kind);
    expect(() => idTensor(ids, config)).toThrow(message);
  });
});

test('labels are ids or −100, one per id', () => {
  const ids = tf.tensor2d([[1, 2, 3]], undefined, 'int32');
  expect(() => checkLabels([[-100, 2, 9]], ids, config)).not.toThrow();
  expect(() => checkLabels([[-100, 2, 10]], ids, config)).toThrow(ArgumentError);
  expect(() => checkLabels([[-1, 2, 3]], ids, config)).toThrow(
    'label -1 at row 0, position 0 is neither -100 nor in the vocabulary of 10 ids',
  );
  expect(() => checkLabels([[1, 2]], ids, config)).toThrow('labels have shape [1,2], inputIds [1,3]');
  ids.dispose();
});

test("a mask is of 0 and 1, of the ids' shape, and leaves a token in each row", () => {
  expect(
    values(
      maskTensor(
        [
          [0, 1],
          [1, 0],
        ],
        2,
        2,
      ),
    ),
  ).toEqual([
    [0, 1],
    [1, 0],
  ]);
  expect(() => maskTensor([[0.5, 1]], 1, 2)).toThrow('attentionMask is 0.5 at row 0, position 0');
  expect(() =>
    maskTensor(
      [
        [1, 1],
        [0, 0],
      ],
      2,
      2,
    ),
  ).toThrow('hides every token of row 1');
  expect(() => maskTensor([[1, 1]], 2, 2)).toThrow(ShapeError);
});

test('segments of a row are whole numbers, the tokens of each being neighbours', () => {
  const ids = tf.tensor2d([[1, 2, 3, 4]], undefined, 'int32');
  expect(values(segmentTensor([[1, 1, 2, 0]], ids))).toEqual([[1, 1, 2, 0]]);
  expect(() => segmentTensor([[1, 1]], ids)).toThrow('segmentIds have shape [1,2], inputIds [1,4]');
  expect(() => segmentTensor([[1, -1, 2, 2]], ids)).toThrow('segment -1 at row 0, position 1 is not a whole number');
  expect(() => segmentTensor([[1, 2, 1, 1]], ids)).toThrow('segment 1 begins again at row 0, position 2');
  ids.dispose();
});

test('a mask and segments in tensors are checked too on a CPU, and must be of int32', () => {
  tf.tidy(() => {
    const ids = tf.tensor2d([[1, 2, 3]], undefined, 'int32');
    const given = tf.tensor2d([[1, 2, 1]], undefined, 'int32');
    expect(() => maskTensor(given, 1, 3)).toRefuse(
      ArgumentError,
      'attentionMask is 2 at row 0, position 1; it is 1 on tokens, 0 on padding',
    );
    expect(() => segmentTensor(given, ids)).toRefuse(ArgumentError, 'segment 1 begins again at row 0, position 2');
    const halves = tf.tensor2d([[0.5, 1, 1]]);
    expect(() => maskTensor(halves, 1, 3)).toRefuse(ArgumentError, 'attentionMask is a tensor of float32: make it one of int32');
    expect(() => segmentTensor(halves, ids)).toRefuse(ArgumentError, 'segmentIds is a tensor of float32: make it one of int32');
    const ones = tf.onesLike(ids);
    expect([maskTensor(ones, 1, 3), segmentTensor(ones, ids)]).toEqual([ones, ones]);
  });
});

test('a sequence has at most as many tokens as the model has positions', () => {
  expect(() => checkLength(8, config)).not.toThrow();
  expect(() => checkLength(9, config)).toRefuse(ArgumentError, "a sequence of 9 tokens does not fit the model's 8 positions: shorten it");
});
