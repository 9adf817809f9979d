import { crossEntropy, Embedding, Linear, Module, type TrainableModel, tf } from 'lowrank';
import { seededRandom } from 'lowrank/internal';

/** The smallest language model: each token's vector says what comes next; `unused` is trainable but never reached. */
export class BigramModel extends Module implements TrainableModel {
  readonly embedTokens: Embedding;
  readonly head: Linear;
  readonly frozen: tf.Variable;

  constructor({ vocabSize = 12, width = 4, seed = 0 } = {}) {
    super();
    const random = seededRandom(seed);
    const variable = (...shape: number[]) =>
      tf.tidy(() =>
        tf.variable(
          tf.tensor(
            Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() - 0.5),
            shape,
          ),
        ),
      );
    this.embedTokens = new Embedding(variable(vocabSize, width));
    this.head = new Linear(variable(width, vocabSize));
    this.frozen = variable(width);
    this.frozen.trainable = false;
  }

  loss(inputIds: tf.Tensor2D, labels: tf.Tensor2D): tf.Scalar {
    return tf.tidy(() => {
      const T = inputIds.shape[1];
      const logits = this.head.forward(this.embedTokens.forward(inputIds).add(this.frozen)); // (B, T, V)
      const [B, , V] = logits.shape as [number, number, number];
      const predictions = logits.slice([0, 0, 0], [B, T - 1, V]).reshape([-1, V]);
      return crossEntropy(predictions, labels.slice([0, 1], [B, T - 1]).flatten());
    });
  }

  /** All values, for comparing two models bit by bit. */
  values(): Record<string, number[]> {
    return Object.fromEntries(Array.from(this.namedParameters(), ([name, variable]) => [name, [...variable.dataSync()]]));
  }
}

/** Sequences with something to learn: each token is followed by the next one, three times out of four. */
export function countingExamples(count: number, { vocabSize = 12, length = 8, seed = 0 } = {}) {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const inputIds = [Math.floor(random() * vocabSize)];
    while (inputIds.length < length) inputIds.push(((inputIds.at(-1) ?? 0) + (random() < 0.75 ? 1 : 5)) % vocabSize);
    return { inputIds, labels: inputIds.map((id, t) => (t === 2 ? -100 : id)) };
  });
}
