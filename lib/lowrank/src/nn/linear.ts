/** `y = x·W + b`, with the kernel stored (in, out) as in tfjs. */
import { ShapeError, tf } from '../runtime';
import { checkGiven } from '../runtime/checks/door';
import { checkWidth } from './checkWidth';
import { withGradient } from './customGradient';
import { byKernel } from './kernels/dispatch';
import { Module } from './module';
import type { ModuleKind } from './moduleKind';

/** A map of the last axis: the interface of a Linear and of an adapter around one. */
export interface Projection extends Module {
  /** I, the width of the input. */
  readonly inFeatures: number;
  /** O, the width of the output. */
  readonly outFeatures: number;
  /** Shapes: x (…, I) → (…, O). */
  forward(x: tf.Tensor): tf.Tensor;
}

/**
 * A linear layer, `y = x·W + b`.
 *
 * Shapes: x (…, I) → y (…, O); weight (I, O); bias (O). Hugging Face stores the weight as (O, I); the readers and writers of files
 * transpose it.
 */
export class Linear extends Module implements Projection {
  /** Takes ownership of both variables. */
  constructor(
    readonly weight: tf.Variable,
    readonly bias?: tf.Variable,
  ) {
    super();
    checkGiven('new Linear(weight)', bias !== undefined ? { weight, bias } : { weight }, { weight: 'tensor', bias: 'tensor' });
    if (weight.rank !== 2) throw new ShapeError(`a Linear's weight is (in, out); got shape [${weight.shape}]`);
    if (bias && bias.shape.join() !== String(weight.shape[1])) {
      throw new ShapeError(
        `a Linear's bias is (out), [${weight.shape[1]}] for a weight of shape [${weight.shape}]; got shape [${bias.shape}]`,
      );
    }
  }

  override get kind(): ModuleKind {
    return 'projection';
  }

  get inFeatures(): number {
    return this.weight.shape[0] ?? 0;
  }

  get outFeatures(): number {
    return this.weight.shape[1] ?? 0;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const y = matMulRows(x, this.weight);
      return this.bias ? y.add(this.bias) : y;
    });
  }
}

/**
 * `x·W` over the last axis of x, or `x·Wᵀ` with `transposeW`.
 *
 * The rows are flattened first: tfjs's matMul broadcasts (B,T,C)·(C,O) in the forward pass, but its gradient throws. A frozen variable W
 * gets no gradient, so the tape does not hold the input.
 */
export function matMulRows(x: tf.Tensor, weight: tf.Tensor, transposeW = false): tf.Tensor {
  const isFrozen = weight instanceof tf.Variable && !weight.trainable;
  return isFrozen ? matMulFrozen(x, () => weight, transposeW) : multiplyRows(x, weight, transposeW);
}

/** `x·W` for a W without a gradient. The backward pass asks for W again, so a temporary W is not held. */
export function matMulFrozen(x: tf.Tensor, weight: () => tf.Tensor, transposeW = false): tf.Tensor {
  return withGradient(
    [x],
    () => ({ value: multiplyRows(x, weight(), transposeW), saved: {} }),
    (dy) => [multiplyRows(dy, weight(), !transposeW)],
  );
}

function multiplyRows(x: tf.Tensor, weight: tf.Tensor, transposeW: boolean): tf.Tensor {
  const width = weight.shape[transposeW ? 1 : 0] ?? 0;
  checkWidth(`a product with a weight of shape [${weight.shape}]${transposeW ? ', transposed,' : ''}`, x, width);
  const rows: tf.Tensor = x.reshape([-1, width]); // (…, I) → (N, I)
  const y = byKernel('matMulRows', rows, weight, transposeW) ?? tf.matMul(rows, weight, false, transposeW); // (N, I) x (I, O) -> (N, O)
  return y.reshape([...x.shape.slice(0, -1), y.shape[1] ?? 0]);
}
