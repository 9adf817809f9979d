/** Operations that bring their own gradient, so that the tape holds what the gradient needs and nothing else. */
import { tf } from '../runtime';

/** Tensors by name. */
type Named = Readonly<Record<string, tf.Tensor>>;

/** What an operation gives, and what its gradient will need; that is held until the backward pass has used it. */
export interface Forward<Saved extends Named> {
  readonly value: tf.Tensor;
  readonly saved: Saved;
}

/**
 * Applies an operation whose gradient is given by hand: one tensor per input, in their order.
 *
 * tfjs keeps the inputs of almost every operation until the backward pass, even where only their shapes matter; for one
 * layer of a transformer that comes to several times what the mathematics asks for.
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
      return tf.tidy(() => gradient(dy, restored)); // tfjs would hold what it makes until the whole backward pass is over
    };
    return { value, gradFunc };
  });
  return run(...inputs);
}
