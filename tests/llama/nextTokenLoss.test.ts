/** The loss of the positions that have something to predict is the loss of all of them. */
import { compile, LlamaForCausalLM, ShapeError, tf } from 'lowrank';
import { tensorBatch } from 'lowrank/internal';
import { afterAll, expect, test } from 'vitest';
import { seededRandom } from '../../lib/lowrank/src/runtime';

const sizes = { vocabSize: 40, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 2, numAttentionHeads: 2 };
const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 }, { seed: 3 });
afterAll(() => model.dispose());

const next = seededRandom(5);
const inputIds = Array.from({ length: 3 }, () => Array.from({ length: 48 }, () => Math.floor(next() * 40)));
/** About so large a share of the tokens has a label, wherever in the rows. */
const labelled = (share: number) => inputIds.map((row) => row.map((id) => (next() < share ? id : -100)));

const { model: layers, lmHead } = model;
const parameters = [...layers.namedParameters(), ...lmHead.namedParameters()].map(([, variable]) => variable);
type Given = ReturnType<typeof tensorBatch>;
const lossAndGrads = ({ inputIds: ids, labels, learnedPositions }: Given) => {
  const { value, grads } = tf.variableGrads(() => model.loss(ids, labels, { learnedPositions }), parameters);
  return [value, ...parameters.map(({ name }) => grads[name] as tf.Tensor)];
};

test.each([
  ['op by op', lossAndGrads],
  ['compiled', compile(lossAndGrads)],
])('with sparse labels, loss and gradients of the chosen positions are those of all: %s', (_, run) => {
  for (const share of [0.05, 0.3, 0.8]) {
    tf.tidy(() => {
      const { learnedPositions, ...all } = tensorBatch({ inputIds, labels: labelled(share) });
      expect(learnedPositions?.size).toBe(share > 0.5 ? 128 : 64);
      const [chosen, whole] = [run({ ...all, learnedPositions }), run(all)];
      for (const [i, expected] of whole.entries()) {
        const size = expected.abs().max().dataSync()[0] ?? 0;
        expect(size).toBeGreaterThan(0);
        const difference = chosen[i]?.sub(expected).abs().max().dataSync()[0] ?? Number.NaN;
        expect(difference / size).toBeLessThan(1e-6);
      }
    });
  }
});

test('labels in rows and as a tensor with positions give one loss, and padding positions add nothing to it', () => {
  const labels = labelled(0.2);
  tf.tidy(() => {
    const { inputIds: ids, labels: tensor, learnedPositions } = tensorBatch({ inputIds, labels });
    const inRows = model.loss(inputIds, labels).dataSync()[0];
    expect(inRows).toBeGreaterThan(1);
    expect(model.loss(ids, tensor, { learnedPositions }).dataSync()[0]).toBeCloseTo(inRows ?? 0, 6);
  });
});

test('where every position counts none is chosen', () => {
  tf.tidy(() => void expect(tensorBatch({ inputIds, labels: inputIds }).learnedPositions).toBeUndefined());
});

test('positions that are not one row of them are refused', () => {
  tf.tidy(() => {
    const positions = tf.zeros([2, 2], 'int32') as unknown as tf.Tensor1D;
    expect(() => model.loss(inputIds, inputIds, { learnedPositions: positions })).toThrow(ShapeError);
  });
});
