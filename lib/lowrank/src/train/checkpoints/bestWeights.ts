/** The weights of the best evaluation so far. */
import { tf } from '../../runtime';

/** A copy of named weights, which shares their memory until they change. */
export class BestWeights {
  private copies: tf.NamedTensorMap = {};

  /** The copied weights, by parameter name; this object owns them. */
  get tensors(): tf.NamedTensorMap {
    return this.copies;
  }

  /** Replaces the copied weights. */
  take(weights: Iterable<readonly [string, tf.Tensor]>): void {
    const copies = Array.from(weights, ([name, tensor]) => [name, tf.keep(tensor.clone())] as const);
    this.dispose();
    this.copies = Object.fromEntries(copies);
  }

  /** Restores the copied weights in the parameters. */
  restore(parameters: ReadonlyMap<string, tf.Variable>): void {
    for (const [name, copy] of Object.entries(this.copies)) parameters.get(name)?.assign(copy);
  }

  dispose(): void {
    tf.dispose(this.copies);
    this.copies = {};
  }
}
