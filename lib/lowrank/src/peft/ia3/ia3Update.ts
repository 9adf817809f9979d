/** One adapter's factors of one layer. */
import { tf } from '../../runtime';
import { normalVariable } from '../initialValues';
import type { LayerUpdate } from '../layers/adapterLayer';
import type { MergeStep } from '../merge/mergeLayers';

/** The values that go into a merge. */
interface Factors {
  readonly factors: tf.Tensor;
}

/**
 * A factor `l` for each output of a layer, or, of a feedforward layer, for each input.
 *
 * Shapes: l (O), or (I). PEFT's files hold it as (O, 1), or (1, I).
 */
export class IA3Update implements LayerUpdate {
  /** Takes ownership of the variable. */
  constructor(
    readonly factors: tf.Variable,
    readonly isFeedforward: boolean,
  ) {}

  /** Factors that are 1, or drawn from N(0, 1). */
  static create(size: number, { isFeedforward, isOne, seed }: { isFeedforward: boolean; isOne: boolean; seed: number }): IA3Update {
    const factors = isOne ? tf.tidy(() => tf.variable(tf.ones([size]))) : normalVariable([size], 1, seed);
    return new IA3Update(factors, isFeedforward);
  }

  get variables(): tf.Variable[] {
    return [this.factors];
  }

  get mergeStep(): MergeStep<Factors> {
    return { into: this.isFeedforward ? intoInputs : intoOutputs, values: { factors: this.factors } };
  }

  dispose(): void {
    this.factors.dispose();
  }
}

/** `diag(l)·W`. Shapes: sum (I, O), factors (I) → (I, O). */
function intoInputs(sum: tf.Tensor, _weight: tf.Tensor, { factors }: Factors): tf.Tensor {
  return sum.mul(factors.expandDims(1));
}

/** `W·diag(l)`. Shapes: sum (I, O), factors (O) → (I, O). */
function intoOutputs(sum: tf.Tensor, _weight: tf.Tensor, { factors }: Factors): tf.Tensor {
  return sum.mul(factors);
}
