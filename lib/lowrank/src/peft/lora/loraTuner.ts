/** LoRA on a whole model. */
import { isEmbeddingLayer, type Module } from '../../nn';
import { ArgumentError, StateError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';
import { warn } from '../../runtime/messages/warn';
import { idleKeys, patternValues } from '../config/patternValues';
import { targetPaths } from '../config/targets';
import { LayerTuner, type Target, type UpdateStart } from '../layers/layerTuner';
import { TrainedTokens } from '../layers/trainedTokens';
import type { AdapterStart, Combining, ExpectedTensor, LeftInBase, Swapping } from '../tuner';
import { assignFactors, combineAdapters, type WeightedAdapterOptions } from './combine/combineAdapters';
import { LoraConfig, scalingOf } from './config';
import { takesFromBase } from './createLoraUpdate';
import { warnWithoutTying, withEnsuredTying } from './ensureWeightTying';
import { LoraEmbedding } from './loraEmbedding';
import { LoraLayer } from './loraLayer';
import { LoraLinear } from './loraLinear';

type LoraTarget = Target<LoraConfig, LoraLayer>;

/** The adapters whose starts were taken out of the weights of base layers; they stay, as the residuals do, when the adapter is gone. */
const takers = new WeakMap<Module, string>();

/** Wraps the layers that a configuration names, and trains rows of tokens beside them. */
export class LoraTuner extends LayerTuner<LoraConfig, LoraLayer> {
  protected readonly method = 'LoRA';
  protected override readonly goesOn = 'linear layers and embeddings';
  readonly mixing = true;
  private readonly tokens: TrainedTokens;

  constructor(model: Module) {
    super(model, (module) => module instanceof LoraLayer);
    this.tokens = new TrainedTokens(model, this.state);
    this.parts.push(this.tokens);
  }

  override add(name: string, config: LoraConfig, start: AdapterStart): LoraConfig {
    const lora = withEnsuredTying(this.model, config);
    const spelledOut = super.add(name, lora, start);
    for (const [, layer] of this.layersOf(name)) if (layer.takesFromBase(lora)) takers.set(layer.baseLayer, name);
    warnWithoutTying(this.model, lora);
    return spelledOut;
  }

  override leftInBase(name: string): LeftInBase[] {
    const config = this.configs.get(name);
    const takes = config && this.layersOf(name).some(([, layer]) => layer.takesFromBase(config));
    const residual = takes ? [{ what: `the residual of its '${config.initLoraWeights}' start` }] : [];
    return [...residual, ...super.leftInBase(name)];
  }

  override unload(options: { readonly keepsMerged: boolean }): void {
    for (const [, layer] of this.layers()) {
      const configs = layer.mergedAdapters.flatMap((name) => this.configs.get(name) ?? []);
      if (configs.some((config) => layer.takesFromBase(config))) takers.delete(layer.baseLayer); // the start is in the weight again
    }
    super.unload(options);
  }

  override expectedTensors(config: LoraConfig): Map<string, ExpectedTensor> {
    return super.expectedTensors(withEnsuredTying(this.model, config));
  }

  readonly combining: Combining<LoraConfig> = {
    combine: (configs, options: WeightedAdapterOptions) => {
      const { config, factors } = combineAdapters(this, configs, options);
      return { config, assign: (name) => assignFactors(this, name, factors) };
    },
  };

  readonly swapping: Swapping<LoraConfig> = {
    kindOf: (config) => {
      const { useDora, bias, modulesToSave, trainableTokenIndices, ensureWeightTying, initLoraWeights, r, loraAlpha } = config;
      const residual = takesFromBase(config) ? { initLoraWeights, r, loraAlpha } : {}; // its file fits W − s·A₀·B₀ alone
      const saved = [...modulesToSave].sort();
      return `LoRA with ${JSON.stringify({ useDora, bias, modulesToSave: saved, trainableTokenIndices, ensureWeightTying, ...residual })}`;
    },
    scaleRatios: (name, next) => this.scaleRatios(name, next),
  };

  /** The factor for B that keeps the new adapter's `s·A·B` under the old scale; 1 for every other tensor. */
  private scaleRatios(name: string, next: LoraConfig): (key: string) => number {
    const scalings = new Map(this.targets(next, true).map(({ path, own }) => [path, scalingOf(own)]));
    const ratios = new Map(
      this.layersOf(name).map(([path, { updates }]) => {
        const old = updates.get(name)?.scaling ?? 1;
        const ratio = (scalings.get(path) ?? old) / old;
        if (!Number.isFinite(ratio))
          throw new ArgumentError(`the old adapter's scale at '${path}' is ${old}, so no other one fits under it`);
        return [path, ratio];
      }),
    );
    return (key) => ratios.get(/^(.*)\.lora_(?:B\.weight|embedding_B)$/.exec(key)?.[1] ?? '') ?? 1;
  }

  /**
   * DoRA scales the layer's current output, so in PEFT the order of the adapters decides whether a second one counts.
   *
   * @throws ArgumentError when a layer would have DoRA and another adapter together.
   */
  protected override checkTogether(names: readonly string[]): void {
    for (const [path, { updates }] of this.layers()) {
      const acting = names.filter((name) => updates.has(name));
      const dora = acting.find((name) => updates.get(name)?.magnitude);
      const other = acting.find((name) => name !== dora);
      if (dora === undefined || other === undefined) continue;
      throw new ArgumentError(
        `'${dora}' is DoRA on '${path}', where '${other}' acts too, and the result depends on their order: use one at a time`,
      );
    }
  }

  /** @throws UnsupportedError when a layer with trained tokens is also adapted in another manner. */
  protected override checkTargets(lora: LoraConfig, targets: readonly LoraTarget[]): void {
    const paths = targets.map(({ path }) => path);
    for (const name of ['rankPattern', 'alphaPattern'] as const) {
      const idle = idleKeys(lora[name], paths).map(shown).join(', ');
      if (idle !== '') warn(`${name} has ${idle}, which does nothing here: no adapted layer matches it`);
    }
    const saved = this.saved.chosen(lora).map(([path]) => path);
    const adapted = [...this.layers(), ...this.saved.modules()].map(([path]) => path);
    this.tokens.check(lora, [...paths, ...saved, ...adapted]);
    for (const { path, layer, own } of targets) if (layer.takesFromBase(own)) this.checkUntouched(path, layer, own);
  }

  /** @throws StateError when a start would be taken out of a weight that others act on, or that another start was taken out of. */
  private checkUntouched(path: string, { updates, baseLayer }: LoraLayer, { initLoraWeights }: LoraConfig): void {
    const others = [...updates.keys()].join(', ');
    const taker = takers.get(baseLayer);
    if (others === '' && taker === undefined) return;
    const state = taker === undefined ? `on which there are other adapters (${others})` : `which '${taker}' has left a residual of`;
    throw new StateError(
      `initLoraWeights '${initLoraWeights}' takes its start out of '${path}', ${state}: ` +
        'put it on first, on the model as it was loaded, or start another way',
    );
  }

  protected targets(config: LoraConfig, isGiven: boolean): LoraTarget[] {
    const modules = new Map(this.model.namedModules());
    const paths = targetPaths(modules, config);
    const ranks = patternValues(config.rankPattern, paths, config.r);
    const alphas = patternValues(config.alphaPattern, paths, config.loraAlpha);
    return paths.map((path, index) => {
      const layer = this.loraAt(path, modules.get(path));
      const own = new LoraConfig({ ...config, r: ranks[index] ?? config.r, loraAlpha: alphas[index] ?? config.loraAlpha });
      layer.checkConfig(own, { isGiven });
      return { path, layer, own };
    });
  }

  private loraAt(path: string, module: Module | undefined): LoraLayer {
    if (isEmbeddingLayer(module)) return new LoraEmbedding(module, undefined, { state: this.state });
    return this.layerAt(path, module, (base) => new LoraLinear(base, undefined, { state: this.state }));
  }

  protected addUpdate({ layer, own }: LoraTarget, name: string, { isEmpty, seed }: UpdateStart): void {
    if (isEmpty) layer.addEmptyAdapter(name, own, seed);
    else layer.addAdapter(name, own, { seed });
  }

  protected expectedOf({ layer, own }: LoraTarget): Iterable<[string, ExpectedTensor]> {
    return layer.expectedTensors(own);
  }
}
