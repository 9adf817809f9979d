/** VeRA's two vectors of one adapter on one layer. */
import { matMulFrozen } from '../../nn';
import { tf } from '../../runtime';
import { normalVariable } from '../initialValues';
import type { LayerUpdate } from '../layers/adapterLayer';
import { dropoutSeedOf } from '../layers/adapterState';
import type { MergeStep } from '../merge/mergeLayers';
import type { VeraConfig } from './config';
import type { Projections } from './projections';

/** The values that go into a merge. */
interface UpdateValues extends Projections {
  readonly lambdaB: tf.Tensor;
  readonly lambdaD: tf.Tensor;
}

/**
 * The update `ΔW = A·diag(d)·B·diag(b)` of one layer's weight (Kopiczko et al. 2023, eq. 2, transposed), with A and B shared by
 * all layers and frozen, and d and b trained.
 *
 * Shapes: d (r), b (O), ΔW (I, O).
 */
export class VeraUpdate implements LayerUpdate {
  readonly dropout: number;
  /** Distinguishes this layer's dropout masks from those of others. */
  readonly dropoutSeed: tf.Variable | undefined; // int32 ()

  /** Takes ownership of the vectors; the tuner owns the projections. */
  constructor(
    readonly lambdaB: tf.Variable,
    readonly lambdaD: tf.Variable,
    readonly projections: Projections,
    { dropout, seed }: { readonly dropout: number; readonly seed: number },
  ) {
    this.dropout = dropout;
    this.dropoutSeed = dropoutSeedOf(dropout, seed);
  }

  /** Starts b at 0 and d at `dInitial`, or, with `initWeights` false, b at 1 and d in N(0, 1). */
  static create(outFeatures: number, { r, dInitial, initWeights, veraDropout }: VeraConfig, projections: Projections, seed: number) {
    const filled = (size: number, value: number) => tf.tidy(() => tf.variable(tf.fill([size], value)));
    const lambdaB = filled(outFeatures, initWeights ? 0 : 1);
    const lambdaD = initWeights ? filled(r, dInitial) : normalVariable([r], 1, seed);
    return new VeraUpdate(lambdaB, lambdaD, projections, { dropout: veraDropout, seed });
  }

  get variables(): tf.Variable[] {
    return [this.lambdaB, this.lambdaD];
  }

  get mergeStep(): MergeStep<UpdateValues> {
    const { lambdaB, lambdaD, projections } = this;
    return { into: addUpdate, values: { lambdaB, lambdaD, a: projections.a, b: projections.b } };
  }

  /** The update's addition to the outputs. Shapes: x (…, I) → (…, O). */
  branch(x: tf.Tensor): tf.Tensor {
    const { projections, lambdaB, lambdaD } = this;
    const inFeatures = x.shape.at(-1) ?? 0;
    const low = matMulFrozen(x, () => firstRows(projections.a, inFeatures)).mul(lambdaD); // (…, r)
    return matMulFrozen(low, () => firstColumns(projections.b, lambdaB.size)).mul(lambdaB);
  }

  /** ΔW for a layer with this number of inputs. Shapes: (I, O). */
  delta(inFeatures: number): tf.Tensor {
    const { projections, lambdaB, lambdaD } = this;
    return tf.tidy(() => product({ ...projections, lambdaB, lambdaD }, inFeatures));
  }

  dispose(): void {
    for (const variable of this.variables) variable.dispose();
    this.dropoutSeed?.dispose();
  }
}

function addUpdate(sum: tf.Tensor, _weight: tf.Tensor, values: UpdateValues): tf.Tensor {
  return sum.add(product(values, sum.shape[0] ?? 0));
}

function product({ a, b, lambdaB, lambdaD }: UpdateValues, inFeatures: number): tf.Tensor {
  const left = firstRows(a, inFeatures).mul(lambdaD); // (I, r)
  const right = firstColumns(b, lambdaB.size).mul(lambdaB); // (r, O)
  return tf.matMul(left as tf.Tensor2D, right as tf.Tensor2D);
}

function firstRows(matrix: tf.Tensor, count: number): tf.Tensor {
  return matrix.shape[0] === count ? matrix : matrix.slice([0, 0], [count, -1]);
}

function firstColumns(matrix: tf.Tensor, count: number): tf.Tensor {
  return matrix.shape[1] === count ? matrix : matrix.slice([0, 0], [-1, count]);
}
