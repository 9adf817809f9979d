/** LoRA's A and B of one adapter on one layer, and DoRA's magnitude. */
import { matMulRows } from '../../nn';
import { tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import type { LayerUpdate } from '../layers/adapterLayer';
import { dropoutSeedOf } from '../layers/adapterState';
import type { MergeStep } from '../merge/mergeLayers';

/** The settings of an update besides A and B. */
export interface LoraUpdateOptions {
  /** The scale `s`, usually `α/r`. */
  readonly scaling: number;
  /** Share of the branch's input that is dropped in training. @defaultValue 0 */
  readonly dropout?: number;
  /** DoRA's length of each output's weights, (O). @defaultValue none: plain LoRA */
  readonly magnitude?: tf.Variable;
  /** Distinguishes this layer's dropout masks from those of others. @defaultValue 0 */
  readonly seed?: number;
}

/**
 * The update `ΔW = s·A·B` of one layer's weight W (Hu et al. 2021, eq. 3), or with a magnitude m DoRA's,
 * `W + ΔW = m·(W + s·A·B)/‖W + s·A·B‖` with the norm over each output's weights (Liu et al. 2024, eq. 5).
 *
 * Shapes: A (I, r), B (r, O), m (O), ΔW (I, O). PEFT's files hold A as (r, I) and B as (O, r).
 */
export class LoraUpdate implements LayerUpdate {
  readonly scaling: number;
  readonly dropout: number;
  readonly magnitude: tf.Variable | undefined;
  /** Distinguishes this layer's dropout masks; a tensor, because all layers then share one compiled function. @internal */
  readonly dropoutSeed: tf.Variable | undefined; // int32 ()

  /** Takes ownership of the variables. */
  constructor(
    readonly loraA: tf.Variable,
    readonly loraB: tf.Variable,
    options: LoraUpdateOptions,
  ) {
    checkKnown('LoraUpdate', options, ['scaling', 'dropout', 'magnitude', 'seed']);
    const { scaling, dropout = 0, magnitude, seed = 0 } = options;
    this.scaling = scaling;
    this.dropout = dropout;
    this.magnitude = magnitude;
    this.dropoutSeed = dropoutSeedOf(dropout, seed);
  }

  /** The rank. */
  get r(): number {
    return this.loraB.shape[0] ?? 0;
  }

  /** The trainable variables. */
  get variables(): tf.Variable[] {
    return this.magnitude ? [this.loraA, this.loraB, this.magnitude] : [this.loraA, this.loraB];
  }

  /** @internal */
  get mergeStep(): MergeStep<UpdateValues> {
    const { loraA, loraB, scaling, magnitude } = this;
    return { into: addUpdate, values: { loraA, loraB, scaling, magnitude } };
  }

  /** `s·h·B` with `h = x·A`; h is scaled because it is narrow. Shapes: h (…, r) → (…, O). @internal */
  widen(h: tf.Tensor): tf.Tensor {
    return matMulRows(h.mul(this.scaling), this.loraB);
  }

  /** ΔW for this base weight; merging adds it. Shapes: weight (I, O) → (I, O). */
  delta(weight: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const product = this.product();
      return this.magnitude ? turnedDelta(weight, product, this.magnitude) : product;
    });
  }

  /**
   * DoRA's factor per output, `m/‖W + s·A·B‖`; the gradient treats the norm as a constant, as in section 4.3 of the paper.
   *
   * Shapes: weight (I, O), magnitude (O) → (O).
   *
   * @internal
   */
  directionScale(weight: tf.Tensor, magnitude: tf.Tensor): tf.Tensor {
    const product = tf.matMul(detached(this.loraA), detached(this.loraB)).mul(this.scaling);
    return magnitude.div(outputNorm(weight.add(product)));
  }

  dispose(): void {
    for (const variable of this.variables) variable.dispose();
    this.dropoutSeed?.dispose();
  }

  /** `s·A·B`, which is ΔW unless there is a magnitude. Shapes: (I, O). @internal */
  product(): tf.Tensor {
    return tf.tidy(() => tf.matMul(this.loraA as tf.Tensor2D, this.loraB as tf.Tensor2D).mul(this.scaling)); // (I, r) x (r, O) -> (I, O)
  }
}

/** An update's numbers, apart from the layer that it is on. */
type UpdateValues = {
  readonly loraA: tf.Tensor;
  readonly loraB: tf.Tensor;
  readonly scaling: number;
  readonly magnitude: tf.Tensor | undefined;
};

/** `sum + ΔW`, where ΔW is for this base weight: merging, update by update. Shapes: sum, weight (I, O) → (I, O). */
function addUpdate(sum: tf.Tensor, weight: tf.Tensor, { loraA, loraB, scaling, magnitude }: UpdateValues): tf.Tensor {
  const product = tf.matMul(loraA.mul(scaling) as tf.Tensor2D, loraB as tf.Tensor2D); // scaled while it is small
  return magnitude ? sum.add(turnedDelta(weight, product, magnitude)) : product.add(sum);
}

/** DoRA's ΔW: `m·(W + s·A·B)/‖W + s·A·B‖ − W`. Shapes: weight, product (I, O), magnitude (O) → (I, O). */
function turnedDelta(weight: tf.Tensor, product: tf.Tensor, magnitude: tf.Tensor): tf.Tensor {
  const adapted = weight.add(product);
  return adapted.mul(magnitude.div(outputNorm(adapted))).sub(weight);
}

/** The length of the weights of each output. Shapes: (I, O) → (O). */
export function outputNorm(weight: tf.Tensor): tf.Tensor {
  return weight.square().sum(0).sqrt();
}

/** The same values, through which no gradient flows. */
function detached(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((value) => ({ value: (value as tf.Tensor).clone(), gradFunc: () => tf.zerosLike(value as tf.Tensor) }))(x);
}
