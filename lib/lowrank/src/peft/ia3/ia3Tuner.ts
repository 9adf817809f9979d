/** IA3 on a whole model. */
import { type Module, toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { changed } from '../config/adapterConfig';
import { fullMatches } from '../config/regularExpression';
import { targetPaths } from '../config/targets';
import { LayerTuner, type Target, type UpdateStart } from '../layers/layerTuner';
import type { Combining, ExpectedTensor } from '../tuner';
import { combineIA3 } from './combineIA3';
import type { IA3Config } from './config';
import { IA3Linear } from './ia3Linear';
import { IA3Update } from './ia3Update';

type IA3Target = Target<IA3Config, IA3Linear>;

/** Wraps the layers that a configuration names, and adds their factors. */
export class IA3Tuner extends LayerTuner<IA3Config, IA3Linear> {
  protected readonly method = 'IA3';
  readonly mixing = true;
  readonly combining: Combining<IA3Config> = { combine: (configs, options) => combineIA3(this, configs, options) };

  constructor(model: Module) {
    super(model, (module) => module instanceof IA3Linear);
  }

  protected targets(config: IA3Config): IA3Target[] {
    const modules = new Map(this.model.namedModules());
    const paths = targetPaths(modules, config);
    const feedforward = new Set(feedforwardPaths(config, paths));
    return paths.map((path) => {
      const isFeedforward = feedforward.has(path);
      const layer = this.layerAt(path, modules.get(path), (base) => new IA3Linear(base, isFeedforward, this.state));
      if (layer.isFeedforward === isFeedforward) return { path, layer, own: config };
      const [here, there] = layer.isFeedforward ? ['inputs', 'outputs'] : ['outputs', 'inputs'];
      throw new UnsupportedError(
        `'${path}' has its ${here} scaled by ${[...layer.updates.keys()].join(', ')}; it cannot have its ${there} scaled too`,
      );
    });
  }

  /** A list of feedforward modules that are no targets would be refused when the file is read. */
  protected override withTargets(config: IA3Config, targetModules: readonly string[]): IA3Config {
    const { feedforwardModules: given } = config;
    const feedforwardModules = typeof given === 'string' ? given : given.filter((name) => targetModules.includes(toSnakeCase(name)));
    return changed(config, { targetModules, feedforwardModules });
  }

  protected addUpdate({ layer, own }: IA3Target, name: string, { isEmpty, seed }: UpdateStart): void {
    const { isFeedforward, inFeatures, outFeatures } = layer;
    const size = isFeedforward ? inFeatures : outFeatures;
    layer.putUpdate(name, IA3Update.create(size, { isFeedforward, isOne: isEmpty || own.initIa3Weights, seed }));
  }

  protected expectedOf({ layer }: IA3Target): Iterable<[string, ExpectedTensor]> {
    return [['ia3_l', { shape: layer.isFeedforward ? [1, layer.inFeatures] : [layer.outFeatures, 1] }]];
  }
}

/** PEFT takes any ending of a path here, not only whole names. */
function feedforwardPaths({ feedforwardModules }: IA3Config, paths: readonly string[]): string[] {
  if (typeof feedforwardModules === 'string') return fullMatches(feedforwardModules, paths);
  return paths.filter((path) => feedforwardModules.some((name) => path.endsWith(toSnakeCase(name))));
}
