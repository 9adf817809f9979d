/** The feed-forward half of a layer. */
import { tf } from '../runtime';
import { withGradient } from './customGradient';
import type { Projection } from './linear';
import { Module } from './module';

/** The three projections; Shapes: gate and up (C, F), down (F, C), where F is the intermediate width. */
export interface MLPProjections {
  readonly gateProj: Projection;
  readonly upProj: Projection;
  readonly downProj: Projection;
}

/**
 * The SwiGLU feed-forward layer, `(SiLU(x·W_gate) ∘ x·W_up)·W_down` (Shazeer 2020, arXiv 2002.05202, eq. 6).
 *
 * Shapes: x (…, C) → (…, C).
 */
export class MLP extends Module {
  readonly gateProj: Projection;
  readonly upProj: Projection;
  readonly downProj: Projection;

  constructor({ gateProj, upProj, downProj }: MLPProjections) {
    super();
    this.gateProj = gateProj;
    this.upProj = upProj;
    this.downProj = downProj;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => this.downProj.forward(swiglu(this.gateProj.forward(x), this.upProj.forward(x))));
  }
}

/**
 * `SiLU(gate) ∘ up` with `SiLU(x) = x·σ(x)`; the sigmoid is made again in the backward pass rather than held.
 *
 * Shapes: gate and up of one shape.
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return tf.tidy(() =>
    withGradient(
      [gate, up],
      () => ({ value: gate.mul(gate.sigmoid()).mul(up), saved: { gate, up } }),
      (dy, saved) => {
        const sigma = saved.gate.sigmoid();
        const silu = saved.gate.mul(sigma);
        const slope = silu.add(sigma.mul(tf.sub(1, silu))); // SiLU' = SiLU + σ·(1 − SiLU)
        return [dy.mul(saved.up).mul(slope), dy.mul(silu)];
      },
    ),
  );
}
