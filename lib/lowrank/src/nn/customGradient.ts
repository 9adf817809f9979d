/** Operations with their own gradient: the tape then holds only what the gradient needs. */
import { tf } from '../runtime';

type Named = Readonly<Record<string, tf.Tensor>>;

/** The result of an operation, and the tensors that its gradient needs, which are held until the backward pass has used them. */
export interface Forward<Saved extends Named> {
  readonly value: tf.Tensor;
  readonly saved: Saved;
}

/**
 * Applies an operation with a handwritten gradient: one tensor per input, in their order.
 *
 * tfjs keeps the inputs of almost every operation until the backward pass, even if only their shapes matter; for a layer of a transformer,
 * that is several times the memory that the gradient needs.
 */
export function withGradient<Saved extends Named>(
  inputs: readonly tf.Tensor[],
  forward: () => Forward<Saved>,
  gradient: (dy: tf.Tensor, saved: Saved) => tf.Tensor[],
): tf.Tensor {
  const run = tf.customGrad((...args) => {
    const save = args[args.length - 1] as (tensors: tf.Tensor[]) => void; // tfjs passes it after the inputs
    const { value, saved } = forward();
    const names = Object.keys(saved);
    save(Object.values(saved));
    const gradFunc = (dy: tf.Tensor, kept: tf.Tensor[]) => {
      const restored = Object.fromEntries(names.map((name, i) => [name, kept[i]])) as Saved; // the same names and order
      return tf.tidy(() => gradient(dy, restored)); // without it, tfjs would hold the intermediate tensors until the end of the backward pass
    };
    return { value, gradFunc };
  });
  return run(...inputs);
}
