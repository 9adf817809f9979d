/** A worker that is measured: `node worker.ts JSON` prints a line of JSON. */
import { AdamW, getPeftModel, joinCluster, LlamaForCausalLM, LoraConfig, tf, train } from 'lowrank';

const { rows, steps, sums } = JSON.parse(process.argv[2] ?? '') as { rows: number; steps: number; sums: number[] };
const LENGTH = 128;
const VOCABULARY = 2048;

const cluster = await joinCluster({ timeout: 120, joinTimeout: 120 });

/** Seconds of sums of so many numbers, each after all workers have met. */
function measureSums(size: number, times: number): number[] {
  return tf.tidy(() => {
    const values = tf.ones([size]);
    return Array.from({ length: times }, () => {
      cluster.meet();
      const begin = performance.now();
      tf.tidy(() => void cluster.sum(values).dataSync());
      return (performance.now() - begin) / 1000;
    });
  });
}

const measured = cluster.size > 1 ? sums.map((size) => ({ size, seconds: measureSums(size, size < 1e5 ? 40 : 6) })) : [];

const model = getPeftModel(
  LlamaForCausalLM.fromConfig({
    vocabSize: VOCABULARY,
    hiddenSize: 256,
    intermediateSize: 704,
    numHiddenLayers: 4,
    numAttentionHeads: 4,
    numKeyValueHeads: 4,
    maxPositionEmbeddings: LENGTH,
    initializerRange: 0.05,
  }),
  new LoraConfig({ r: 16, targetModules: ['q_proj', 'v_proj'] }),
  { seed: 1 },
);
const inputIds = Array.from({ length: rows }, (_, row) =>
  Array.from({ length: LENGTH }, (__, t) => (7 * row + 13 * t + t * t) % VOCABULARY),
);
const times: number[] = [];
let last = 0;
const { history } = await train(model, [{ inputIds, labels: inputIds }], {
  cluster,
  steps,
  optimizer: new AdamW({ learningRate: 1e-3, weightDecay: 0 }),
  onStep: () => {
    const now = performance.now();
    if (last > 0) times.push((now - last) / 1000);
    last = now;
  },
});
console.log(JSON.stringify({ times: times.slice(2), sums: measured, loss: history.at(-1)?.loss, parameters: countTrained() }));

function countTrained(): number {
  return Array.from(model.trainableParameters()).reduce((sum, [, { size }]) => sum + size, 0);
}
