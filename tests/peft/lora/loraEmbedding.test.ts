import { Embedding, LoraEmbedding, type LoraInitialisation, tf } from 'lowrank';
import { expect, test } from 'vitest';

const deviation = (x: tf.Tensor) => tf.tidy(() => tf.moments(x).variance.sqrt().dataSync()[0] ?? Number.NaN);

/** A table of ones with an update of this start. */
function started(initLoraWeights: LoraInitialisation) {
  const table = new Embedding(tf.variable(tf.ones([300, 200])));
  return { table, layer: new LoraEmbedding(table, { r: 40, initLoraWeights }, { seed: 3 }) };
}

test.each([true, 'gaussian', 'pissa', 'olora'] as const)(
  'a table begins with A at zero and B from N(0, 1) for the start %s, as in PEFT',
  (start) => {
    const { table, layer } = started(start);
    expect(layer.loraA.abs().max().dataSync()[0]).toBe(0);
    expect(deviation(layer.loraB)).toBeCloseTo(1, 1);
    expect(table.weight.notEqual(1).any().dataSync()[0]).toBe(0); // nothing is taken out of it
  },
);

test('the start false draws both factors of a table from N(0, 1), as in PEFT', () => {
  const { layer } = started(false);
  expect(deviation(layer.loraA)).toBeCloseTo(1, 1);
  expect(deviation(layer.loraB)).toBeCloseTo(1, 1);
});
