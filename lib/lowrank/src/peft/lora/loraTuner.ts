/** LoRA on a whole model. */
import { Embedding, type Module, type Projection, StoredEmbedding } from '../../nn';
import { ArgumentError, deriveSeed, StateError, type tf, UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/warn';
import { checkAdapterMemory, checkMergeMemory } from '../adapterMemory';
import type { AdapterState } from '../layers/adapterState';
import { SavedModule } from '../layers/savedModule';
import { SavedModules } from '../layers/savedModules';
import { hasTiedHead, settleTiedHeads, UNTIED } from '../layers/tiedEnds';
import { TokenRows } from '../layers/tokenRows';
import { TrainedTokens } from '../layers/trainedTokens';
import { WrappedModules } from '../layers/wrappedModules';
import { isAllLinear, leafNames, loraTargets, patternValues } from '../targets';
import type { AdapterStart, AdapterTensor, Combining, ExpectedTensor, Merging, Swapping, Tuner } from '../tuner';
import { assignFactors, combineAdapters, type WeightedAdapterOptions } from './combine/combineAdapters';
import { LoraConfig } from './config';
import { scalingOf, takesFromBase } from './createLoraUpdate';
import { warnWithoutTying, withEnsuredTying } from './ensureWeightTying';
import { LoraEmbedding } from './loraEmbedding';
import { LoraLayer } from './loraLayer';
import { LoraLinear } from './loraLinear';
import { mergeLayers, unmergeLayers } from './mergeLayers';

/** A layer that a configuration names, wrapped or about to be, with its own rank and alpha. */
interface Target {
  readonly path: string;
  readonly layer: LoraLayer;
  readonly own: LoraConfig;
}

/** Wraps the layers that a configuration names, each once, and gives them its updates. */
export class LoraTuner implements Tuner<LoraConfig> {
  private readonly configs = new Map<string, LoraConfig>();
  private readonly saved: SavedModules;
  private readonly tokens: TrainedTokens;
  private readonly wrapped: WrappedModules<LoraLayer>;

  constructor(
    private readonly model: Module,
    private readonly state: AdapterState,
  ) {
    this.saved = new SavedModules(model, state);
    this.tokens = new TrainedTokens(model, state);
    this.wrapped = new WrappedModules(model, (module) => module instanceof LoraLayer);
  }

  add(name: string, config: LoraConfig, start: AdapterStart): LoraConfig {
    const lora = withEnsuredTying(this.model, config);
    this.checkBias(lora);
    this.saved.check(lora);
    const targets = this.targets(lora, start === 'empty');
    this.checkTokens(lora, targets);
    checkAdapterMemory(name, this.expectedTensors(lora));
    for (const [index, { path, layer, own }] of targets.entries()) {
      const isNew = layer.updates.size === 0;
      if (start === 'empty') layer.addEmptyAdapter(name, own, deriveSeed(0, index));
      else layer.addAdapter(name, own, deriveSeed(start.seed, index));
      if (isNew) this.wrapped.replace(path, layer);
    }
    this.saved.add(name, lora);
    this.tokens.add(name, lora);
    const leaves = leafNames(targets.map(({ path }) => path));
    const spelledOut = isAllLinear(lora) ? new LoraConfig({ ...lora, targetModules: leaves }) : lora;
    this.configs.set(name, spelledOut);
    warnWithoutTying(this.model, lora);
    return spelledOut;
  }

  remove(name: string): void {
    for (const [path, layer] of this.layersOf(name)) {
      layer.deleteAdapter(name);
      if (layer.updates.size === 0) this.wrapped.replace(path, layer.baseLayer);
    }
    this.saved.remove(name);
    this.tokens.remove(name);
    this.configs.delete(name);
  }

  activate(names: readonly string[], trainable: readonly string[]): void {
    this.saved.checkTogether(names);
    this.tokens.checkTogether(names);
    this.checkDoraAlone(names);
    this.state.activeAdapters = names;
    for (const [, layer] of this.layers()) {
      for (const [name, { variables }] of layer.updates) {
        for (const variable of variables) variable.trainable = trainable.includes(name);
      }
    }
    this.saved.train(trainable);
    this.tokens.train(trainable);
    for (const name of this.configs.keys()) {
      for (const [, bias] of this.biases(name)) bias.trainable = trainable.includes(name);
    }
  }

  setEnabled(isEnabled: boolean): void {
    this.state.isEnabled = isEnabled;
  }

  changesBase(name: string): boolean {
    return (this.configs.get(name)?.bias ?? 'none') !== 'none';
  }

  tensors(name: string): Map<string, AdapterTensor> {
    const tensors = new Map<string, AdapterTensor>();
    for (const [path, layer] of this.layersOf(name)) {
      for (const [leaf, tensor] of layer.fileTensors(name)) tensors.set(`${path}.${leaf}`, tensor);
    }
    for (const [path, variable] of this.biases(name)) tensors.set(path, { variable, layout: 'same' });
    for (const [path, tensor] of this.saved.tensors(name)) tensors.set(path, tensor);
    for (const [path, tensor] of this.tokens.tensors(name)) tensors.set(path, tensor);
    return tensors;
  }

  expectedTensors(config: LoraConfig): Map<string, ExpectedTensor> {
    const lora = withEnsuredTying(this.model, config);
    const targets = this.targets(lora, true);
    const expected = new Map<string, ExpectedTensor>();
    for (const { path, layer, own } of targets) {
      for (const [leaf, tensor] of layer.expectedTensors(own)) expected.set(`${path}.${leaf}`, tensor);
    }
    const paths = targets.map(({ path }) => path);
    for (const [path, { shape }] of trainedBiases(this.model, lora, paths)) expected.set(path, { shape });
    for (const [path, tensor] of this.saved.expectedTensors(lora)) expected.set(path, tensor);
    for (const [path, tensor] of this.tokens.expectedTensors(lora)) expected.set(path, tensor);
    return expected;
  }

  /** The wrapped layers, by their paths. */
  layers(): readonly [string, LoraLayer][] {
    return this.wrapped.list();
  }

  /** The wrapped layers alone. */
  layerList(): LoraLayer[] {
    return this.layers().map(([, layer]) => layer);
  }

  /** The layers that an adapter is on, by their paths. */
  layersOf(name: string): [string, LoraLayer][] {
    return this.layers().filter(([, { updates }]) => updates.has(name));
  }

  readonly mixing = true;

  readonly merging: Merging = {
    mergedAdapters: () => [...new Set([...this.layerList().flatMap((layer) => layer.mergedAdapters), ...this.tokens.mergedAdapters()])],
    merge: (names, options) => {
      this.checkDoraAlone(names);
      checkMergeMemory(this.layerList(), names);
      this.tokens.merge(names, { safeMerge: options.safeMerge });
      try {
        mergeLayers(this.layerList(), names, options);
      } catch (error) {
        this.tokens.unmerge();
        throw error;
      }
    },
    unmerge: () => {
      unmergeLayers(this.layerList());
      this.tokens.unmerge();
    },
  };

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

  unload({ keepsMerged }: { readonly keepsMerged: boolean }): void {
    const wasTied = hasTiedHead(this.model);
    for (const [path, layer] of this.layers()) {
      layer.forgetOriginal();
      for (const name of [...layer.updates.keys()]) layer.deleteAdapter(name);
      this.wrapped.replace(path, layer.baseLayer);
    }
    this.saved.unload(keepsMerged);
    this.tokens.unload();
    settleTiedHeads(this.model);
    if (wasTied && !hasTiedHead(this.model)) warn(UNTIED);
  }

  dispose(): void {}

  /** What B must be multiplied by to keep the new adapter's `s·A·B` under the old one's scale; 1 for every other tensor. */
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

  /** @throws StateError when the configuration trains biases, as an adapter here does already. */
  private checkBias(lora: LoraConfig): void {
    const owner = [...this.configs].find(([, { bias }]) => bias !== 'none')?.[0];
    if (lora.bias !== 'none' && owner !== undefined) {
      throw new StateError(`the adapter '${owner}' trains biases already, and a model has them only once: use bias 'none', or delete it`);
    }
  }

  /**
   * DoRA scales the output of the layer as it stands, so in PEFT a second adapter on the layer counts, or not, by its place.
   *
   * @throws ArgumentError when a layer would have DoRA and another adapter together.
   */
  private checkDoraAlone(names: readonly string[]): void {
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

  /** @throws UnsupportedError when tokens are trained of a layer that is adapted in another way too. */
  private checkTokens(lora: LoraConfig, targets: readonly Target[]): void {
    const saved = this.saved.chosen(lora).map(([path]) => path);
    const adapted = [...this.layers(), ...this.saved.modules()].map(([path]) => path);
    this.tokens.check(lora, [...targets.map(({ path }) => path), ...saved, ...adapted]);
  }

  /** @param isGiven - whether the values come from elsewhere, and with them the rank */
  private targets(config: LoraConfig, isGiven: boolean): Target[] {
    const modules = new Map(this.model.namedModules());
    const paths = loraTargets(modules, config);
    const ranks = patternValues(config.rankPattern, paths, config.r);
    const alphas = patternValues(config.alphaPattern, paths, config.loraAlpha);
    return paths.map((path, index) => {
      const layer = this.layerAt(path, modules.get(path));
      const own = new LoraConfig({ ...config, r: ranks[index] ?? config.r, loraAlpha: alphas[index] ?? config.loraAlpha });
      layer.checkConfig(own, { isGiven });
      return { path, layer, own };
    });
  }

  private layerAt(path: string, module: Module | undefined): LoraLayer {
    if (module instanceof LoraLayer) return module;
    if (module instanceof SavedModule)
      throw new UnsupportedError(`'${path}' is trained whole by ${[...module.copies.keys()].join(', ')}; LoRA cannot go on it too`);
    if (module instanceof TokenRows)
      throw new UnsupportedError(`tokens of '${path}' are trained by ${module.adapterNames.join(', ')}; LoRA cannot go on it too`);
    if (module instanceof Embedding || module instanceof StoredEmbedding)
      return new LoraEmbedding(module, undefined, { state: this.state });
    if (isProjection(module)) return new LoraLinear(module, undefined, { state: this.state });
    throw new UnsupportedError(`'${path}' is a ${module?.constructor.name}; LoRA goes on linear layers and embeddings`);
  }

  private biases(name: string): [string, tf.Variable][] {
    const config = this.configs.get(name);
    if (!config || config.bias === 'none') return [];
    const paths = this.layersOf(name).map(([path]) => path);
    return trainedBiases(this.model, config, paths);
  }
}

/** The biases that a configuration trains: of the model, or of the layers at these paths. */
function trainedBiases(model: Module, { bias }: LoraConfig, paths: readonly string[]): [string, tf.Variable][] {
  if (bias === 'none') return [];
  return [...model.namedParameters()].filter(([name]) => {
    if (!name.endsWith('.bias') || name.includes('.modules_to_save.')) return false;
    return bias === 'all' || paths.includes(name.replace(/(\.base_layer)?\.bias$/, ''));
  });
}

function isProjection(module: Module | undefined): module is Projection {
  return module !== undefined && 'inFeatures' in module && 'outFeatures' in module;
}
