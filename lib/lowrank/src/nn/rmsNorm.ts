/** Normalisation by the root mean square. */
import { ShapeError, tf } from '../runtime';
import { checkNumber } from '../runtime/checks/checkValues';
import { checkGiven } from '../runtime/checks/door';
import { checkWidth } from './checkWidth';
import { withGradient } from './customGradient';
import { Module } from './module';
import type { ModuleKind } from './moduleKind';

/**
 * RMSNorm, `y = x / √(mean(x²) + ε) · g` (Zhang and Sennrich 2019, arXiv 1910.07467, eq. 4).
 *
 * Shapes: x (…, C) → y (…, C); weight g (C).
 */
export class RMSNorm extends Module {
  /**
   * Takes ownership of the variable.
   *
   * @param eps - added to the mean square. @defaultValue 1e-6
   */
  constructor(
    readonly weight: tf.Variable,
    readonly eps = 1e-6,
  ) {
    super();
    checkGiven('new RMSNorm(weight)', { weight }, { weight: 'tensor' });
    checkNumber('eps', eps);
    if (weight.rank !== 1) throw new ShapeError(`an RMSNorm's weight is (width); got shape [${weight.shape}]`);
  }

  override get kind(): ModuleKind {
    return 'norm';
  }

  /** Shapes: x (…, C) → (…, C). */
  forward(x: tf.Tensor): tf.Tensor {
    checkWidth(`an RMSNorm with a weight of shape [${this.weight.shape}]`, x, this.weight.size);
    return tf.tidy(() => normalize(x, this.eps).mul(this.weight));
  }
}

/** `n = x·s` with `s = 1 / √(mean(x²) + ε)`. Its gradient is `dx = s·(dn − n·mean(dn·n))`, so only n and s are saved. */
function normalize(x: tf.Tensor, eps: number): tf.Tensor {
  return withGradient(
    [x],
    () => {
      const s = x.square().mean(-1, true).add(eps).rsqrt(); // (…, 1)
      const n = x.mul(s);
      return { value: n, saved: { n, s } };
    },
    (dy, { n, s }) => [dy.sub(n.mul(dy.mul(n).mean(-1, true))).mul(s)],
  );
}
