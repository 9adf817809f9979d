/** A short run with everything that a resumed one has to take up: dropout, shuffling, a schedule, accumulation, evaluations, the best weights. */
import { createHash } from 'node:crypto';
import {
  AdamW,
  AdaptionPromptConfig,
  type Batch,
  type BatchSource,
  cosineSchedule,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  makeBatches,
  type PeftModel,
  type TrainableModel,
  type TrainOptions,
  type TrainResult,
  tf,
  train,
} from 'lowrank';

export type Kind = 'lora' | 'prefix';

export const vocabSize = 24;
export const steps = 12;

/** Sequences of several lengths in which each token depends on the one before, the last eight to be learned. */
export function sequences(count: number, from: number) {
  return Array.from({ length: count }, (_, i) => {
    const inputIds = Array.from({ length: 29 + ((i + from) % 4) }, (__, t) => (7 * (i + from) + 5 * t) % vocabSize);
    return { inputIds, labels: inputIds.map((id, t) => (t < inputIds.length - 8 ? -100 : id)) };
  });
}

export function smallModel(
  kind: Kind,
  { r = 4, seed = 2, layers = 1 }: { readonly r?: number | undefined; readonly seed?: number | undefined; readonly layers?: number } = {},
): PeftModel {
  const model = LlamaForCausalLM.fromConfig({
    vocabSize,
    hiddenSize: 16,
    intermediateSize: 24,
    numHiddenLayers: layers,
    numAttentionHeads: 2,
    numKeyValueHeads: 1,
    maxPositionEmbeddings: 32,
    initializerRange: 0.2,
  });
  const config =
    kind === 'lora'
      ? new LoraConfig({ r, loraAlpha: 8, loraDropout: 0.3, targetModules: ['q_proj', 'v_proj', 'down_proj'] })
      : new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: layers });
  return getPeftModel(model, config, { seed });
}

/** Rows of this token alone spoil the loss of a model; see `spoilt`. */
export const BAD = vocabSize - 1;

/** The model, with a loss that is NaN where a row of the batch is of the bad token. */
export function spoilt(model: PeftModel): PeftModel {
  const { loss } = model;
  model.loss = (ids, labels, options) =>
    tf.tidy(() => {
      const share = tf.cast(tf.equal(ids as tf.Tensor, BAD), 'float32').mean(1);
      const isBad = share.greater(0.3).toFloat().max(); // a row may be padded
      return loss
        .call(model, ids, labels, options)
        .add(isBad.div(tf.sub(1, isBad)).mul(0))
        .asScalar();
    });
  return model;
}

export const heldOut = makeBatches(sequences(4, 50), { batchSize: 4, padTokenId: 0 });

/** All of one shape, because each shape is compiled; `cluster/part.ts` has a last batch that is smaller. */
function shuffledBatches(epoch: number): Batch[] {
  return makeBatches(sequences(18, 0), { batchSize: 3, padTokenId: 0, seed: 4, epoch, bucketByLength: true });
}

/** What is the same in every run of it; where it is saved, and how it is interrupted, is the caller's. */
export async function smallRun(
  model: TrainableModel,
  options: TrainOptions = {},
  batches: BatchSource = shuffledBatches,
): Promise<TrainResult> {
  const optimizer = new AdamW({ learningRate: cosineSchedule({ peak: 0.05, warmupSteps: 2, totalSteps: steps }), weightDecay: 0.1 });
  try {
    return await train(model, batches, {
      optimizer,
      steps,
      gradientAccumulation: 2,
      evaluation: { batches: heldOut, everySteps: 3, keepBest: true },
      ...options,
    });
  } finally {
    optimizer.dispose();
  }
}

/** Every bit of the trained parameters, and of the losses on the way, in one number. */
export function fingerprint(model: PeftModel, { history, evaluations }: TrainResult): string {
  const hash = createHash('sha256');
  for (const [name, variable] of model.trainableParameters()) {
    const values = variable.dataSync();
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  hash.update(JSON.stringify(history.map(({ step, loss, gradNorm, learningRate }) => [step, loss, gradNorm, learningRate])));
  hash.update(JSON.stringify(evaluations));
  return hash.digest('hex');
}
