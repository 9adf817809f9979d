/** Gradients along a tape of tfjs, for results that are not scalars. */

import { tf } from '../../device/tensorflow';
import { UnsupportedError } from '../../errors';
import type { TapeNode } from '../tfjsInternals';

/**
 * The gradients by `xs`, given the gradients by the ends of the tape, each a sum; undefined for an x that no end depends on.
 *
 * @throws UnsupportedError when a path to `xs` passes through an operation without a gradient.
 */
export function backpropagate(
  tape: readonly TapeNode[],
  ends: ReadonlyMap<number, readonly tf.Tensor[]>,
  xs: readonly { readonly id: number }[],
): (tf.Tensor | undefined)[] {
  const reached = new Set(xs.map(({ id }) => id));
  const onPath = tape.filter(({ inputs, outputs }) => {
    const isReached = Object.values(inputs).some(({ id }) => reached.has(id));
    if (isReached) for (const { id } of outputs) reached.add(id);
    return isReached;
  });
  const terms = new Map(Array.from(ends, ([id, gradients]) => [id, [...gradients]]));
  const gradientBy = (id: number) => {
    const [first, ...rest] = terms.get(id) ?? [];
    const gradient = first && tf.tidy(() => rest.reduce<tf.Tensor>((sum, term) => sum.add(term), first));
    if (gradient) terms.set(id, [gradient]);
    return gradient;
  };
  for (const node of onPath.reverse()) {
    if (!node.outputs.some(({ id }) => terms.has(id))) continue;
    if (!node.gradient) throw new UnsupportedError(`${node.kernelName} has no gradient`);
    const gradients = node.gradient(node.outputs.map(({ id }) => gradientBy(id) ?? null));
    for (const [name, { id }] of Object.entries(node.inputs)) {
      const gradient = reached.has(id) ? gradients[name]?.() : undefined;
      if (gradient) terms.set(id, [...(terms.get(id) ?? []), gradient]);
    }
  }
  return xs.map(({ id }) => gradientBy(id));
}
