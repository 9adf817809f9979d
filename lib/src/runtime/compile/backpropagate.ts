/** Gradients along a tape that tfjs has recorded, for results that are not one number. */
import { UnsupportedError } from '../errors';
import { tf } from '../tensorflow';
import type { TapeNode } from './internals';

/**
 * The gradients by `xs` of what the tape has led to, given the gradients by its ends; undefined where nothing leads there.
 *
 * @throws UnsupportedError when the way passes through an operation without a gradient.
 */
export function backpropagate(
  tape: readonly TapeNode[],
  ends: ReadonlyMap<number, tf.Tensor>,
  xs: readonly { readonly id: number }[],
): (tf.Tensor | undefined)[] {
  const reached = new Set(xs.map(({ id }) => id));
  const onTheWay = tape.filter(({ inputs, outputs }) => {
    const isReached = Object.values(inputs).some(({ id }) => reached.has(id));
    if (isReached) for (const { id } of outputs) reached.add(id);
    return isReached;
  });
  const gradients = new Map(ends);
  for (const node of onTheWay.reverse()) {
    if (!node.outputs.some(({ id }) => gradients.has(id))) continue;
    if (!node.gradient) throw new UnsupportedError(`${node.kernelName} has no gradient`);
    const slopes = node.gradient(node.outputs.map(({ id }) => gradients.get(id) ?? null));
    for (const [name, { id }] of Object.entries(node.inputs)) {
      const slope = reached.has(id) ? slopes[name]?.() : undefined;
      if (!slope) continue;
      const before = gradients.get(id);
      gradients.set(id, before ? tf.add(before, slope) : slope);
    }
  }
  return xs.map(({ id }) => gradients.get(id));
}
