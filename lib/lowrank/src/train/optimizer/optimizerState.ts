/** The state of an optimizer, as tensors for a checkpoint. */
import { StateError, tf } from '../../runtime';
import type { MomentPair } from './stackedMoments';

/** The state from which an optimizer continues exactly. */
export interface OptimizerState {
  /** Updates made. */
  readonly step: number;
  /** The moments of each parameter, as `first.NAME` and `second.NAME`; the caller disposes them. */
  readonly tensors: tf.NamedTensorMap;
}

/** The moment and the parameter of a tensor of the state, and the name of its other moment; undefined for any other name. */
export function momentOf(
  key: string,
): { readonly kind: 'first' | 'second'; readonly parameter: string; readonly other: string } | undefined {
  const [, kind, parameter = ''] = /^(first|second)\.(.*)$/s.exec(key) ?? [];
  if (kind === 'first') return { kind, parameter, other: `second.${parameter}` };
  return kind === 'second' ? { kind, parameter, other: `first.${parameter}` } : undefined;
}

/**
 * Both moments of each parameter.
 *
 * @throws StateError when a tensor is not a moment, or its other moment is missing or has another shape.
 */
export function checkedMoments(tensors: tf.NamedTensorMap): Map<string, MomentPair> {
  const moments = new Map<string, MomentPair>();
  for (const [key, tensor] of Object.entries(tensors)) {
    const moment = momentOf(key);
    if (!moment) throw new StateError(`'${key}' is not a moment of AdamW: expected first.NAME or second.NAME`);
    const other = tensors[moment.other];
    if (!other) throw new StateError(`the state has only the ${moment.kind} moment of '${moment.parameter}'`);
    if (!tf.util.arraysEqual(tensor.shape, other.shape)) {
      throw new StateError(`the moments of '${moment.parameter}' have shapes [${tensor.shape}] and [${other.shape}]`);
    }
    if (moment.kind === 'first') moments.set(moment.parameter, { first: tensor, second: other });
  }
  return moments;
}
