/** One IA3 adapter made of several: PEFT's `add_weighted_adapter`. */
import { ArgumentError, tf, UnsupportedError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { changed } from '../config/adapterConfig';
import { checkWeights } from '../merge/checkWeights';
import type { CombinationOptions } from '../tuner';
import type { IA3Config } from './config';
import type { IA3Linear } from './ia3Linear';

interface Layers {
  layersOf(name: string): [string, IA3Linear][];
}

/**
 * Adds the factors up, `l = Σ wᵢ·lᵢ` over the adapters that are on the layer, as PEFT does: weights that do not add up to 1 scale
 * the layer.
 *
 * @throws ArgumentError when weights are missing, an option is LoRA's, or names and regular expressions are mixed;
 * UnsupportedError for adapters with saved modules.
 */
export function combineIA3(tuner: Layers, configs: ReadonlyMap<string, IA3Config>, options: CombinationOptions) {
  checkKnown('addWeightedAdapter, of IA3 adapters,', options, ['adapters', 'weights']);
  checkWeights(options);
  const all = [...configs.values()];
  const [first] = all;
  if (!first) throw new ArgumentError('there is no adapter to combine');
  const saving = [...configs].find(([, { modulesToSave }]) => modulesToSave.length > 0)?.[0];
  if (saving !== undefined) throw new UnsupportedError(`the adapter '${saving}' has saved modules, which cannot be combined`);
  const config = changed(first, {
    targetModules: union('targetModules', all),
    feedforwardModules: union('feedforwardModules', all),
  });
  return { config, assign: (name: string) => assignSums(tuner, name, options) };
}

function assignSums(tuner: Layers, name: string, { adapters, weights }: CombinationOptions): void {
  for (const [, { updates }] of tuner.layersOf(name)) {
    const terms = adapters.flatMap((adapter, index) => updates.get(adapter)?.factors.mul(weights[index] ?? 0) ?? []);
    tf.tidy(() => updates.get(name)?.factors.assign(tf.addN(terms)));
    tf.dispose(terms);
  }
}

/** All names, or one expression for all that the expressions match. */
function union(field: 'targetModules' | 'feedforwardModules', configs: readonly IA3Config[]): string | string[] {
  const given = configs.map((config) => config[field]);
  const texts = given.filter((names) => typeof names === 'string');
  if (texts.length === 0) return [...new Set(given.flat())];
  if (texts.length === given.length) return given.map((text) => `(${text})`).join('|');
  throw new ArgumentError(`${field} are lists in some of the adapters and regular expressions in others; combine adapters of one sort`);
}
