/** LoRA on a whole model. */
import { Embedding, type Module, type Projection } from '../../nn';
import { ArgumentError, deriveSeed, UnsupportedError } from '../../runtime';
import type { AdapterState } from '../adapterState';
import { LoraConfig, type PeftConfig } from '../config';
import { loraTargets, patternValue } from '../targets';
import type { AdapterTensor, Tuner } from '../tuner';
import { LoraEmbedding } from './loraEmbedding';
import { LoraLayer } from './loraLayer';
import { LoraLinear } from './loraLinear';

/** Wraps the layers that a configuration names, each once, and gives them its updates. */
export class LoraTuner implements Tuner {
  constructor(
    private readonly model: Module,
    private readonly state: AdapterState,
  ) {}

  add(name: string, config: PeftConfig, seed: number): void {
    if (!(config instanceof LoraConfig))
      throw new ArgumentError(`this model has LoRA adapters, to which ${config.peftType} cannot be added`);
    const modules = new Map(this.model.namedModules());
    const chosen = loraTargets(this.model, config).map((path, index) => {
      const layer = this.layerAt(path, modules.get(path));
      const own = layerConfig(config, path);
      layer.checkConfig(own);
      return { path, layer, own, seed: deriveSeed(seed, index) };
    });
    for (const { path, layer, own, seed } of chosen) {
      layer.addAdapter(name, own, seed);
      if (modules.get(path) !== layer) this.model.replaceModule(path, layer);
    }
  }

  remove(name: string): void {
    for (const [path, layer] of this.layers()) {
      layer.deleteAdapter(name);
      if (layer.updates.size === 0) this.model.replaceModule(path, layer.baseLayer);
    }
  }

  activate(names: readonly string[], trainable: readonly string[]): void {
    this.state.activeAdapters = names;
    for (const [, layer] of this.layers()) {
      for (const [name, { variables }] of layer.updates) {
        for (const variable of variables) variable.trainable = trainable.includes(name);
      }
    }
  }

  setEnabled(isEnabled: boolean): void {
    this.state.isEnabled = isEnabled;
  }

  tensors(name: string): Map<string, AdapterTensor> {
    return new Map(
      this.layers().flatMap(([path, layer]) => Array.from(layer.fileTensors(name), ([key, tensor]) => [`${path}.${key}`, tensor] as const)),
    );
  }

  /** Merges these adapters into every layer they are on; on an error every base weight is as it was. */
  merge(names: readonly string[], options: { readonly safeMerge?: boolean } = {}): void {
    const done: LoraLayer[] = [];
    try {
      for (const [, layer] of this.layers()) {
        layer.merge(names, options);
        done.push(layer);
      }
    } catch (error) {
      for (const layer of done) layer.unmerge();
      throw error;
    }
  }

  /** Puts every base weight back. */
  unmerge(): void {
    for (const [, layer] of this.layers()) layer.unmerge();
  }

  /** The adapters that are merged now. */
  mergedAdapters(): string[] {
    return [...new Set(this.layers().flatMap(([, layer]) => layer.mergedAdapters))];
  }

  /** Takes every wrapper off the model; what is merged stays in the weights. */
  unload(): void {
    for (const [path, layer] of this.layers()) {
      layer.forgetOriginal();
      for (const name of [...layer.updates.keys()]) layer.deleteAdapter(name);
      this.model.replaceModule(path, layer.baseLayer);
    }
  }

  /** The wrapped layers, by their paths. */
  layers(): [string, LoraLayer][] {
    return [...this.model.namedModules()].flatMap(([path, module]) =>
      module instanceof LoraLayer ? [[path, module] as [string, LoraLayer]] : [],
    );
  }

  dispose(): void {}

  private layerAt(path: string, module: Module | undefined): LoraLayer {
    if (module instanceof LoraLayer) return module;
    if (module instanceof Embedding) return new LoraEmbedding(module, undefined, { state: this.state });
    if (isProjection(module)) return new LoraLinear(module, undefined, { state: this.state });
    throw new UnsupportedError(`'${path}' is a ${module?.constructor.name}; LoRA goes on linear layers and embeddings`);
  }
}

/** The configuration with this layer's own rank and alpha. */
function layerConfig(config: LoraConfig, path: string): LoraConfig {
  const r = patternValue(config.rankPattern, path, config.r);
  const loraAlpha = patternValue(config.alphaPattern, path, config.loraAlpha);
  return r === config.r && loraAlpha === config.loraAlpha ? config : new LoraConfig({ ...config, r, loraAlpha });
}

function isProjection(module: Module | undefined): module is Projection {
  return module !== undefined && 'inFeatures' in module && 'outFeatures' in module;
}
