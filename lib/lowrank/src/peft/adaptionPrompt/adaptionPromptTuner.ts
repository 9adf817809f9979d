/** Puts zero-init prefixes on a whole model. */
import { LlamaForCausalLM, type ModelType } from '../../llama';
import { CausalSelfAttention, type Module } from '../../nn';
import { ArgumentError, deriveSeed, tf, UnsupportedError } from '../../runtime';
import { checkAdapterMemory } from '../adapterMemory';
import { adaptablePaths, isNamed, leafNames } from '../config/targets';
import { AdapterState } from '../layers/adapterState';
import type { AdapterStart, AdapterTensor, ExpectedTensor, Swapping, Tuner } from '../tuner';
import type { AdaptionPromptConfig } from './config';
import { ZeroInitPrefixAttention } from './zeroInitPrefixAttention';

/**
 * Wraps the attention of the top layers. Only the active adapter's wrappers are in the model; this class keeps the others, as PEFT does,
 * so that parameters have PEFT's names.
 */
export class AdaptionPromptTuner implements Tuner<AdaptionPromptConfig> {
  readonly swapping: Swapping<AdaptionPromptConfig> = {
    // a vector of zeros takes part in the softmax, so a shorter prefix cannot be padded
    kindOf: ({ gate, adapterLen }) => `a prefix of ${adapterLen} vectors with a ${gate} gate`,
    scaleRatios: () => () => 1,
  };

  readonly state = new AdapterState([]);
  private readonly adapters = new Map<string, ReadonlyMap<string, ZeroInitPrefixAttention>>(); // by name, then by path

  constructor(private readonly model: Module) {}

  add(name: string, prompt: AdaptionPromptConfig, start: AdapterStart): AdaptionPromptConfig {
    const { adapterLen, gate } = prompt;
    const seed = start === 'empty' ? 0 : start.seed;
    checkAdapterMemory(name, this.expectedTensors(prompt));
    const wrappers = this.topAttentions(prompt).map(([path, attention], index) => {
      return [path, new ZeroInitPrefixAttention(attention, { adapterLen, gate, seed: deriveSeed(seed, index) })] as const;
    });
    this.adapters.set(name, new Map(wrappers));
    return prompt;
  }

  remove(name: string): void {
    this.takeOut();
    for (const wrapper of this.wrappers(name).values()) disposePrompt(wrapper);
    this.adapters.delete(name);
    this.putIn();
  }

  activate(names: readonly string[], trainable: readonly string[]): void {
    if (names.length > 1) throw new ArgumentError(`prefix adapters act one at a time; got ${names.join(', ')}`);
    this.act(names, this.state.isEnabled);
    for (const [name, wrappers] of this.adapters) {
      for (const { adaptionPrompt, adaptionGate } of wrappers.values()) {
        adaptionPrompt.trainable = trainable.includes(name);
        adaptionGate.trainable = trainable.includes(name);
      }
    }
  }

  act(names: readonly string[], isEnabled: boolean): void {
    this.takeOut();
    this.state.activeAdapters = names;
    this.state.isEnabled = isEnabled;
    this.putIn();
  }

  leftInBase(): never[] {
    return [];
  }

  tensors(name: string): Map<string, AdapterTensor> {
    const tensors = new Map<string, AdapterTensor>();
    for (const [path, { adaptionPrompt, adaptionGate }] of this.wrappers(name)) {
      tensors.set(`${path}.adaption_prompt`, { variable: adaptionPrompt, layout: 'batched' });
      tensors.set(`${path}.adaption_gate`, { variable: adaptionGate, layout: 'same' });
    }
    return tensors;
  }

  expectedTensors(prompt: AdaptionPromptConfig): Map<string, ExpectedTensor> {
    const { adapterLen, gate } = prompt;
    const expected = new Map<string, ExpectedTensor>();
    for (const [path, { qProj, numHeads }] of this.topAttentions(prompt)) {
      expected.set(`${path}.adaption_prompt`, { shape: [1, adapterLen, qProj.inFeatures] });
      expected.set(`${path}.adaption_gate`, { shape: gate === 'scalar' ? [1] : [1, numHeads, 1, 1] });
    }
    return expected;
  }

  unload(): void {
    for (const name of [...this.adapters.keys()]) this.remove(name);
  }

  dispose(): void {
    for (const wrappers of this.adapters.values()) for (const wrapper of wrappers.values()) disposePrompt(wrapper);
  }

  private takeOut(): void {
    for (const [path, wrapper] of this.wrappers(this.state.activeAdapters[0])) this.model.replaceModule(path, wrapper.baseLayer);
  }

  /** Puts the active adapter's wrappers into the model, unless adapters are disabled. */
  private putIn(): void {
    if (!this.state.isEnabled) return;
    for (const [path, wrapper] of this.wrappers(this.state.activeAdapters[0])) this.model.replaceModule(path, wrapper);
  }

  /** The wrappers of an adapter by path, from the lowest layer to the top. */
  wrappers(name: string | undefined): ReadonlyMap<string, ZeroInitPrefixAttention> {
    return this.adapters.get(name ?? '') ?? new Map<string, ZeroInitPrefixAttention>();
  }

  private topAttentions({ targetModules, adapterLayers }: AdaptionPromptConfig): [string, CausalSelfAttention][] {
    checkKnownToPeft(this.model);
    const modules = new Map(this.model.namedModules());
    const found = [...modules].filter(([path]) => isNamed([targetModules], path));
    if (found.length === 0) {
      throw new ArgumentError(
        `targetModules "${targetModules}" match no module; this model has ${leafNames(adaptablePaths(modules)).join(', ')}`,
      );
    }
    if (adapterLayers > found.length)
      throw new ArgumentError(`adapterLayers ${adapterLayers} is not in 1…${found.length}, this model's layers`);
    return found.slice(-adapterLayers).map(([path, module]) => {
      const attention = module instanceof ZeroInitPrefixAttention ? module.baseLayer : module;
      if (attention instanceof CausalSelfAttention) {
        checkOutputBias(path, attention);
        return [path, attention];
      }
      throw new UnsupportedError(`'${path}' is a ${module.constructor.name}; a prefix goes on a CausalSelfAttention`);
    });
  }
}

/** The architectures with adaption prompts in PEFT (`TRANSFORMERS_MODEL_CONFIG` of its adaption_prompt/config.py). */
const IN_PEFT: Readonly<Record<ModelType, boolean>> = { llama: true, mistral: true, qwen2: false };

/** @throws UnsupportedError when PEFT would refuse the adapter's file on this model. */
function checkKnownToPeft(model: Module): void {
  if (!(model instanceof LlamaForCausalLM) || IN_PEFT[model.config.modelType]) return;
  const known = Object.entries(IN_PEFT).flatMap(([modelType, isKnown]) => (isKnown ? [modelType] : []));
  const remedy = `it has them for ${known.join(', ')}; use a LoraConfig on this base model`;
  throw new UnsupportedError(`PEFT has no adaption prompt for ${model.config.modelType} models: ${remedy}`);
}

/**
 * PEFT adds the bias of `o_proj` twice, with the base's output and with the prefix's, even while the gate is 0. One file would then mean
 * two different models.
 *
 * @throws UnsupportedError when the attention's output projection has a bias.
 */
function checkOutputBias(path: string, { oProj }: CausalSelfAttention): void {
  if (!(Reflect.get(oProj, 'bias') instanceof tf.Tensor)) return;
  throw new UnsupportedError(`'${path}.o_proj' has a bias, which PEFT adds twice under a prefix; use a LoraConfig on this base model`);
}

/** Disposes the wrapper alone; its base belongs to the model. */
function disposePrompt({ adaptionPrompt, adaptionGate }: ZeroInitPrefixAttention): void {
  for (const variable of [adaptionPrompt, adaptionGate]) if (!variable.isDisposed) variable.dispose();
}
