/** Combines several LoRA adapters into one: PEFT's `add_weighted_adapter`. */
import { ArgumentError, deriveSeed, StateError, tf, UnsupportedError } from '../../../runtime';
import { checkOneOf } from '../../../runtime/checks/checkValues';
import { checkWhole } from '../../../runtime/checks/checkWhole';
import { warn } from '../../../runtime/messages/warn';
import { checkWeights } from '../../merge/checkWeights';
import type { CombinationOptions, LeftInBase } from '../../tuner';
import { LoraConfig } from '../config';
import type { LoraLayer } from '../loraLayer';
import type { LoraUpdate } from '../loraUpdate';
import { type Factors, padded, truncated, truncatedProduct } from './lowRankApproximation';
import { type ArithmeticOptions, isTaskArithmetic, mergeTensors, type TaskArithmetic } from './taskArithmetic';

/** The method of combination: PEFT's `combination_type`. */
export type CombinationType = 'cat' | 'svd' | TaskArithmetic | `${Exclude<TaskArithmetic, 'linear'>}_svd`;

const ARITHMETIC = ['magnitude_prune', 'ties', 'dare_linear', 'dare_ties'] as const;
const COMBINATIONS: readonly CombinationType[] = [
  'cat',
  'svd',
  'linear',
  ...ARITHMETIC,
  ...ARITHMETIC.map((type) => `${type}_svd` as const),
];

/** The adapters to combine, and the method. */
export interface WeightedAdapterOptions extends CombinationOptions, Partial<ArithmeticOptions> {
  /** @defaultValue 'svd' */
  readonly combinationType?: CombinationType;
  /** Rank of the result of the SVD methods. @defaultValue the highest of the adapters' ranks */
  readonly svdRank?: number;
}

/** The new adapter: its configuration with scale 1, and the factors of each layer; the caller disposes of them. */
interface CombinedAdapter {
  readonly config: LoraConfig;
  readonly factors: ReadonlyMap<string, Factors>;
}

/**
 * Combines adapters i with weights wᵢ and scales sᵢ into one with scale 1.
 *
 * - `cat`: `A = [wᵢ·sᵢ·Aᵢ]`, `B = [Bᵢ]`, which is `Σ wᵢ·ΔWᵢ` exactly, at the sum of the ranks.
 * - `svd`: the best approximation of `Σ wᵢ·ΔWᵢ` of rank `svdRank`.
 * - `linear`: `A = Σ ±√|wᵢ·sᵢ|·Aᵢ`, `B = Σ √|wᵢ·sᵢ|·Bᵢ`, with the weight's sign. Their product has, beside every wanted
 *   `wᵢ·sᵢ·Aᵢ·Bᵢ`, the cross terms `±√|wᵢ·sᵢ·wⱼ·sⱼ|·Aᵢ·Bⱼ`, which belong to no adapter and are about as large. It is cheap, and
 *   wrong: use `cat`, or `svd` where the rank must stay small.
 * - `magnitude_prune`, `ties`, `dare_linear`, `dare_ties`: the same on A and B, thinned out first; see {@link mergeTensors}.
 * - the same names with `_svd`: on the ΔWᵢ themselves, and then as `svd`.
 *
 * PEFT keeps the first adapter's `useRslora`, with which the result's scale is not 1; here it is.
 *
 * @throws ArgumentError when the ranks, weights or densities do not fit the method; UnsupportedError for adapters with more than
 * A and B: DoRA, trained biases, saved modules, a start that was taken out of the base.
 */
export function combineAdapters(
  tuner: LoraLayers,
  configs: ReadonlyMap<string, LoraConfig>,
  { adapters, weights, combinationType = 'svd', svdRank, seed = 0, ...options }: WeightedAdapterOptions,
): CombinedAdapter {
  checkWeights({ adapters, weights });
  checkOneOf('combinationType', combinationType, COMBINATIONS);
  const plain = adapters.map((name) => plainConfig(name, configs.get(name), tuner.leftInBase(name)[0]?.what));
  const type = adapters.length === 1 ? 'linear' : combinationType; // one adapter has no cross terms
  const where = adapters.length === 1 ? 'one adapter is only scaled' : `adapters are combined by ${type}`;
  warnOfIdle(type, { svdRank, ...options }, where);
  const layers = tuner.layers().filter(([, { updates }]) => adapters.some((name) => updates.has(name)));
  const r = newRank(type, plain.map(highestRank), svdRank);
  const factors = new Map<string, Factors>();
  try {
    for (const [index, [path, layer]] of layers.entries()) {
      const parts = adapters.flatMap((name, i) => {
        const update = layer.updates.get(name);
        return update ? [{ update, weight: weights[i] ?? 0 }] : [];
      });
      factors.set(
        path,
        tf.tidy(() => padded(combineLayer(type, parts, { r, ...options, seed: deriveSeed(seed, index) }), r)),
      );
    }
  } catch (error) {
    for (const { loraA, loraB } of factors.values()) tf.dispose([loraA, loraB]);
    throw error;
  }
  return { config: combinedConfig(plain, r, [...factors.keys()]), factors };
}

/** The part of the tuner that is used here. */
interface LoraLayers {
  layers(): readonly (readonly [path: string, layer: LoraLayer])[];
  layersOf(name: string): readonly (readonly [path: string, layer: LoraLayer])[];
  leftInBase(name: string): LeftInBase[];
}

/** Assigns the factors to an adapter's variables and frees them. */
export function assignFactors(tuner: LoraLayers, name: string, factors: CombinedAdapter['factors']): void {
  for (const [path, layer] of tuner.layersOf(name)) {
    const update = layer.updates.get(name);
    const made = factors.get(path);
    if (!update || !made) continue;
    update.loraA.assign(made.loraA);
    update.loraB.assign(made.loraB);
    tf.dispose([made.loraA, made.loraB]);
  }
}

/** Warns of options that are given and do nothing. */
function warnOfIdle(type: CombinationType, options: Partial<WeightedAdapterOptions>, where: string): void {
  const acts = { svdRank: type.endsWith('svd'), density: /prune|ties|dare/.test(type), majoritySignMethod: type.includes('ties') };
  const idle = (['svdRank', 'density', 'majoritySignMethod'] as const).filter((name) => options[name] !== undefined && !acts[name]);
  const verb = idle.length > 1 ? 'have' : 'has';
  if (idle.length > 0) warn(`addWeightedAdapter: ${idle.join(' and ')} ${verb} no effect where ${where}`);
}

interface Part {
  readonly update: LoraUpdate;
  readonly weight: number;
}

function combineLayer(
  type: CombinationType,
  parts: readonly Part[],
  { r, ...options }: ArithmeticOptions & { readonly r: number },
): Factors {
  if (type === 'cat') return concatenated(parts);
  if (type === 'svd') return truncatedProduct(concatenated(parts), r);
  if (isTaskArithmetic(type)) return mergedFactors(type, parts, options);
  const arithmetic = type.replace(/_svd$/, '') as TaskArithmetic;
  const deltas = parts.map(({ update }) => update.product());
  const weights = parts.map(({ weight }) => weight);
  return truncated(mergeTensors(arithmetic, deltas, weights, options), r);
}

function concatenated(parts: readonly Part[]): Factors {
  const scaled = parts.map(({ update, weight }) => update.loraA.mul<tf.Tensor2D>(weight * update.scaling));
  const second = parts.map(({ update }) => update.loraB as tf.Tensor2D);
  return { loraA: tf.concat2d(scaled, 1), loraB: tf.concat2d(second, 0) };
}

function mergedFactors(type: TaskArithmetic, parts: readonly Part[], { seed, ...options }: ArithmeticOptions): Factors {
  const scales = parts.map(({ update, weight }) => weight * update.scaling);
  const roots = scales.map((scale) => Math.sqrt(Math.abs(scale)));
  const signed = roots.map((root, index) => ((scales[index] ?? 0) < 0 ? -root : root)); // on one side only, or two signs cancel
  const merged = (factor: 'loraA' | 'loraB', weights: number[], side: number) => {
    const tensors = parts.map(({ update }) => update[factor]);
    return mergeTensors(type, tensors, weights, { ...options, seed: deriveSeed(seed, side) }) as tf.Tensor2D;
  };
  return { loraA: merged('loraA', signed, 0), loraB: merged('loraB', roots, 1) };
}

function newRank(type: CombinationType, ranks: readonly number[], svdRank: number | undefined): number {
  if (type === 'cat') return ranks.reduce((sum, rank) => sum + rank, 0);
  if (svdRank !== undefined) checkWhole('svdRank', svdRank);
  if (!isTaskArithmetic(type)) return svdRank ?? Math.max(...ranks);
  if (new Set(ranks).size === 1) return ranks[0] ?? 0;
  throw new ArgumentError(`combinationType '${type}' adds A and B up, so the ranks ${ranks.join(', ')} must be the same; use cat or svd`);
}

/** The ranks of all layers are at most this. */
function highestRank({ r, rankPattern }: LoraConfig): number {
  return Math.max(r, ...Object.values(rankPattern));
}

function plainConfig(name: string, config: LoraConfig | undefined, left: string | undefined): LoraConfig {
  if (!config) throw new StateError(`there is no adapter '${name}' to combine`);
  const { useDora, bias, modulesToSave, trainableTokenIndices } = config;
  if (!useDora && bias === 'none' && modulesToSave.length === 0 && !trainableTokenIndices && !left) return config;
  const more = useDora
    ? 'DoRA magnitudes'
    : bias !== 'none'
      ? 'trained biases'
      : modulesToSave.length > 0
        ? 'saved modules'
        : trainableTokenIndices
          ? 'trained token rows'
          : `a base of its own, ${left}`; // the file of the combination would be put on the whole weight again
  throw new UnsupportedError(`the adapter '${name}' has ${more}, which cannot be combined; only A and B can`);
}

/** The first adapter's configuration, with the rank, the scale and the targets of the combination. */
function combinedConfig(configs: readonly LoraConfig[], r: number, paths: readonly string[]): LoraConfig {
  const [first] = configs;
  return new LoraConfig({
    ...first,
    r,
    loraAlpha: r,
    rankPattern: {},
    alphaPattern: {},
    useRslora: false,
    initLoraWeights: true,
    targetModules: combinedTargets(configs) ?? paths,
    excludeModules: [],
    layersToTransform: undefined,
  });
}

/** All names, if only names choose the layers of the adapters. */
function combinedTargets(configs: readonly LoraConfig[]): string[] | undefined {
  const lists = configs.map(({ targetModules, excludeModules, layersToTransform }) =>
    typeof targetModules === 'string' || excludeModules.length > 0 || layersToTransform ? undefined : targetModules,
  );
  return lists.includes(undefined) ? undefined : [...new Set(lists.flatMap((names) => names ?? []))];
}
