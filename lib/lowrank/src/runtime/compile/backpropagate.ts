/** Gradients along a tape that tfjs has recorded, for results that are not one number. */
import { UnsupportedError } from '../errors';
import type { tf } from '../tensorflow';
import { sumOf } from './nativeSum';
import type { TapeNode } from './tfjsInternals';

/**
 * The gradients by `xs` of what the tape has led to, given the gradients by its ends, of which each is a sum; undefined where nothing leads there.
 *
 * @throws UnsupportedError when the way passes through an operation without a gradient.
 */
export function backpropagate(
  tape: readonly TapeNode[],
  ends: ReadonlyMap<number, readonly tf.Tensor[]>,
  xs: readonly { readonly id: number }[],
): (tf.Tensor | undefined)[] {
  const reached = new Set(xs.map(({ id }) => id));
  const onTheWay = tape.filter(({ inputs, outputs }) => {
    const isReached = Object.values(inputs).some(({ id }) => reached.has(id));
    if (isReached) for (const { id } of outputs) reached.add(id);
    return isReached;
  });
  const terms = new Map(Array.from(ends, ([id, slopes]) => [id, [...slopes]]));
  const gradientBy = (id: number) => {
    const [first, ...rest] = terms.get(id) ?? [];
    const gradient = first && sumOf([first, ...rest]);
    if (gradient) terms.set(id, [gradient]);
    return gradient;
  };
  for (const node of onTheWay.reverse()) {
    if (!node.outputs.some(({ id }) => terms.has(id))) continue;
    if (!node.gradient) throw new UnsupportedError(`${node.kernelName} has no gradient`);
    const slopes = node.gradient(node.outputs.map(({ id }) => gradientBy(id) ?? null));
    for (const [name, { id }] of Object.entries(node.inputs)) {
      const slope = reached.has(id) ? slopes[name]?.() : undefined;
      if (slope) terms.set(id, [...(terms.get(id) ?? []), slope]);
    }
  }
  return xs.map(({ id }) => gradientBy(id));
}
