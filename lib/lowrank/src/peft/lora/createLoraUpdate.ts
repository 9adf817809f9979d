/** How a fresh low-rank update starts. */
import { deriveSeed, tf } from '../../runtime';
import { normalVariable, uniformVariable } from '../initialValues';
import type { BaseWeight } from '../layers/baseWeight';
import { type LoraConfig, scalingOf } from './config';
import { orthonormal, singularValues } from './linearAlgebra';
import { LoraUpdate, outputNorm } from './loraUpdate';

/**
 * An update of a weight of this shape, initialised according to `config.initLoraWeights`.
 *
 * The bound of the default is torch's Kaiming-uniform with a = √5, which comes to `1/√I`: it uses the input's width, which in
 * our layout, (I, r), is A's first axis.
 *
 * @param weight - called only by the initialisations that read it; PiSSA and OLoRA also take `s·A·B` out of it
 * @param isEmpty - whether values of a file follow, which leaves zeros here. The file of a PiSSA or OLoRA start fits only the residual
 * W − s·A₀·B₀, which is computed again from the same W, as in PEFT.
 * @param isTable - whether it is a table of token vectors: A then starts at zero and B from N(0, 1), as in PEFT and in the authors' code.
 * `false` draws both from N(0, 1), and no start takes anything out of the table.
 */
export function createLoraUpdate(
  [inFeatures, outFeatures]: readonly [number, number],
  weight: () => BaseWeight,
  config: LoraConfig,
  { seed, isEmpty = false, isTable = false }: { readonly seed: number; readonly isEmpty?: boolean; readonly isTable?: boolean },
): LoraUpdate {
  const { r, initLoraWeights, useDora, loraDropout } = config;
  const scaling = scalingOf(config);
  const isZero = isEmpty && (isTable || !takesFromBase(config));
  const [loraA, loraB] = factors();
  const product = () => tf.matMul(loraA as tf.Tensor2D, loraB as tf.Tensor2D).mul(scaling);
  const lengths = () => (isZero ? tf.zeros([outFeatures]) : outputNorm(weight().read().add(product())));
  const magnitude = useDora ? tf.tidy(() => tf.variable(lengths())) : undefined;
  return new LoraUpdate(loraA, loraB, { scaling, dropout: loraDropout, seed, ...(magnitude && { magnitude }) });

  function factors(): [tf.Variable, tf.Variable] {
    if (isZero) return [zeroVariable([inFeatures, r]), zeroVariable([r, outFeatures])];
    const seeds = { a: deriveSeed(seed, 0), b: deriveSeed(seed, 1) };
    if (isTable) {
      const loraA = initLoraWeights ? zeroVariable([inFeatures, r]) : normalVariable([inFeatures, r], 1, seeds.a);
      return [loraA, normalVariable([r, outFeatures], 1, seeds.b)];
    }
    switch (initLoraWeights) {
      case true:
        return [uniformVariable([inFeatures, r], 1 / Math.sqrt(inFeatures), seeds.a), zeroVariable([r, outFeatures])];
      case false:
        return [
          uniformVariable([inFeatures, r], 1 / Math.sqrt(inFeatures), seeds.a),
          uniformVariable([r, outFeatures], 1 / Math.sqrt(r), seeds.b),
        ];
      case 'gaussian':
        return [normalVariable([inFeatures, r], 1 / r, seeds.a), zeroVariable([r, outFeatures])];
      case 'pissa':
        return takenOut(weight(), scaling, (values) => principalFactors(values, r, scaling));
      case 'olora':
        return takenOut(weight(), scaling, (values) => orthonormalFactors(values, r));
    }
  }
}

/** True for the starts that take the update's first value out of the base weight. */
export function takesFromBase({ initLoraWeights }: LoraConfig): boolean {
  return initLoraWeights === 'pissa' || initLoraWeights === 'olora';
}

/** A = U_r·√(S_r/s) and B = √(S_r/s)·V_rᵀ, from W = U·S·Vᵀ (PiSSA, Meng et al. 2024, eq. 2 and 3). */
function principalFactors(weight: tf.Tensor, r: number, scaling: number): [tf.Tensor, tf.Tensor] {
  const { s, u, v } = singularValues(weight);
  const root = s.slice([0], [r]).div(scaling).sqrt(); // (r)
  return [u.slice([0, 0], [-1, r]).mul(root), v.slice([0, 0], [-1, r]).mul(root).transpose()];
}

/** A = R_rᵀ and B = Q_rᵀ, from Wᵀ = Q·R (OLoRA, Büyükakyüz 2024); W here is (in, out), torch's transposed. */
function orthonormalFactors(weight: tf.Tensor, r: number): [tf.Tensor, tf.Tensor] {
  const { q, right } = orthonormal(weight.transpose());
  return [right.slice([0, 0], [r, -1]).transpose(), q.slice([0, 0], [-1, r]).transpose()];
}

/** The factors as variables; their product is subtracted from the weight, so the layer's output does not change. */
function takenOut(weight: BaseWeight, scaling: number, factors: (values: tf.Tensor) => [tf.Tensor, tf.Tensor]): [tf.Variable, tf.Variable] {
  return tf.tidy(() => {
    const values = weight.read();
    const [a, b] = factors(values);
    weight.write(values.sub(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D).mul(scaling)));
    return [tf.variable(a), tf.variable(b)];
  });
}

function zeroVariable(shape: readonly [number, number]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros([...shape])));
}
