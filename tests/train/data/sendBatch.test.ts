import { type Batch, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { sentBatches, unsent } from '../../../lib/lowrank/src/train/data/sendBatch';
import { piecesOf } from '../../../lib/lowrank/src/train/data/workerRows';
import { noTensorLeft } from '../../noTensorLeft';
import { asOnGpu } from '../../runtime/compile/bindingSpies';

noTensorLeft();

const inputIds = [Array.from({ length: 16 }, (_, t) => t), Array.from({ length: 16 }, (_, t) => 3 * t)];
const batches: Batch[] = [3, 11].map((unlearned) => ({
  inputIds,
  labels: inputIds.map((row) => row.map((id, t) => (t < unlearned ? -100 : id))),
  attentionMask: inputIds.map((row) => row.map(() => 1)),
}));

/** The types of the tensors that are sent, and the micro-batches that the model gets of them. */
function sentAndReceived() {
  return tf.tidy(() => {
    const sent = sentBatches(piecesOf(batches), { config: { vocabSize: 50 } });
    const dtypes = new Set(sent.flatMap(({ tensors }) => Object.values(tensors).map(({ dtype }) => dtype)));
    const values = sent.map((each) => Object.entries(unsent(each)).map(([name, tensor]) => [name, tensor.dtype, [...tensor.dataSync()]]));
    return { dtypes: [...dtypes], values };
  });
}

test('integers are sent as int32 on a CPU and as float32 to a GPU, and the model gets the same int32 tensors', async () => {
  const onCpu = sentAndReceived();
  const onGpu = await asOnGpu(sentAndReceived);
  expect([onCpu.dtypes, onGpu.dtypes]).toEqual([['int32'], ['float32']]);
  expect(onGpu.values).toEqual(onCpu.values);
  expect(onCpu.values[0]).toContainEqual(['inputIds', 'int32', inputIds.flat()]);
  expect(onCpu.values.map((each) => each.at(-1)?.[2])).toEqual([[Math.fround(13 / 18)], [Math.fround(5 / 18)]]); // shares of the labels
});
