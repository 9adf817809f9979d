/** The feed-forward half of a layer. */
import { ShapeError, tf } from '../runtime';
import { checkGiven } from '../runtime/checks/door';
import type { Projection } from './linear';
import { Module } from './module';
import type { ModuleKind } from './moduleKind';
import { swiglu } from './swiglu';

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

  /** @throws ShapeError when the projections do not fit together. */
  constructor(projections: MLPProjections) {
    super();
    checkGiven('new MLP(projections)', { projections });
    const { gateProj, upProj, downProj } = projections;
    checkGiven('new MLP(projections)', { gateProj, upProj, downProj });
    const widths = ({ inFeatures, outFeatures }: Projection) => `(${inFeatures}, ${outFeatures})`;
    if (widths(gateProj) !== widths(upProj) || downProj.inFeatures !== upProj.outFeatures) {
      const given = `gate ${widths(gateProj)}, up ${widths(upProj)}, down ${widths(downProj)}`;
      throw new ShapeError(`an MLP's gate and up are (C, F), its down (F, C); got ${given}`);
    }
    this.gateProj = gateProj;
    this.upProj = upProj;
    this.downProj = downProj;
  }

  override get kind(): ModuleKind {
    return 'MLP';
  }

  /** Shapes: x (…, C) → (…, C). */
  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => this.downProj.forward(swiglu(this.gateProj.forward(x), this.upProj.forward(x))));
  }
}
