/** What LoRA does to any layer with a weight. */
import { type Module, tiedHeadOf } from '../../nn';
import { ArgumentError, StateError, tf, UnsupportedError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { AdapterLayer } from '../layers/adapterLayer';
import { adapterPerRow, type MixedBatch } from '../layers/adapterPerRow';
import type { AdapterState } from '../layers/adapterState';
import type { AdapterTensor, ExpectedTensor } from '../tuner';
import { LoraConfig, type LoraOptions } from './config';
import { createLoraUpdate, emptyLoraUpdate, takesFromBase } from './createLoraUpdate';
import type { LoraUpdate } from './loraUpdate';

/** What a LoRA layer is told besides its configuration. */
export interface LoraLayerOptions {
  /** Name of the adapter. @defaultValue 'default' */
  readonly adapterName?: string;
  /** Seed of the initial values and of the dropout masks. @defaultValue 0 */
  readonly seed?: number;
  /** Shared by all layers of an adapted model. @defaultValue one of its own @internal */
  readonly state?: AdapterState;
}

/** A frozen layer with any number of named low-rank updates, of which those that `state` names act. */
export abstract class LoraLayer<B extends Module = Module> extends AdapterLayer<B, LoraUpdate> {
  protected constructor(baseLayer: B, given: LoraLayerOptions) {
    super(baseLayer, given.state);
    checkKnown(new.target.name, given, ['adapterName', 'seed', 'state']);
  }

  /** A of the first active adapter, (I, r). */
  get loraA(): tf.Variable {
    return this.firstActive().loraA;
  }

  /** B of the first active adapter, (r, O). */
  get loraB(): tf.Variable {
    return this.firstActive().loraB;
  }

  /** The scale of the first active adapter, `α/r` unless its configuration says otherwise. */
  get scaling(): number {
    return this.firstActive().scaling;
  }

  /**
   * @throws ArgumentError when the rank exceeds the layer's widths, unless its values are given and the layer's weight does
   * not limit it; UnsupportedError when the configuration needs a weight that the layer has not.
   *
   * @internal
   */
  checkConfig(config: LoraConfig, options: { readonly isGiven?: boolean } = {}): void {
    checkKnown('checkConfig', options, ['isGiven']);
    const { isGiven = false } = options;
    const [inFeatures, outFeatures] = this.weightShape;
    const highest = Math.min(inFeatures, outFeatures);
    if (config.r > highest && !(isGiven && !takesFromBase(config))) {
      throw new ArgumentError(`rank ${config.r} is not in 1…${highest}, the ranks of a (${inFeatures}, ${outFeatures}) weight`);
    }
    if (!config.useDora && !takesFromBase(config)) return;
    if (takesFromBase(config) && tiedHeadOf(this.baseLayer)) {
      const start = `initLoraWeights '${config.initLoraWeights}' takes its start out of the base weight`;
      throw new UnsupportedError(`${start}, which here is shared by the embedding and the output layer: start another way`);
    }
    const { format } = this.baseWeight();
    if (takesFromBase(config) && format !== 'float32') {
      const start = `initLoraWeights '${config.initLoraWeights}' takes its start out of the base weight, which is kept as ${format}`;
      throw new UnsupportedError(`${start}: load the model in float32, or start another way`);
    }
  }

  /**
   * Adds an adapter that starts as its configuration says.
   *
   * @throws ArgumentError when the rank exceeds the layer's widths.
   */
  addAdapter(name: string, options: LoraOptions, given: Pick<LoraLayerOptions, 'seed'> = {}): void {
    checkKnown('addAdapter', given, ['seed']);
    const { seed = 0 } = given;
    const config = new LoraConfig(options);
    this.checkConfig(config);
    this.putUpdate(
      name,
      createLoraUpdate(this.weightShape, () => this.baseWeight(), config, seed),
    );
  }

  /** Adds an adapter whose values are assigned afterwards. @internal */
  addEmptyAdapter(name: string, config: LoraConfig, seed: number): void {
    this.putUpdate(
      name,
      emptyLoraUpdate(this.weightShape, () => this.baseWeight(), config, seed),
    );
  }

  override *ownParameters(): IterableIterator<[string, tf.Variable]> {
    for (const [name, update] of this.updates) {
      yield [`${this.factorNames.loraA}.${name}${this.factorNames.leaf}`, update.loraA];
      yield [`${this.factorNames.loraB}.${name}${this.factorNames.leaf}`, update.loraB];
      if (update.magnitude) yield [`lora_magnitude_vector.${name}.weight`, update.magnitude];
    }
  }

  /** @internal */
  *fileTensors(name: string): IterableIterator<[string, AdapterTensor]> {
    const update = this.updates.get(name);
    if (!update) return;
    yield [`${this.factorNames.loraA}${this.factorNames.leaf}`, { variable: update.loraA, layout: 'transposed' }];
    yield [`${this.factorNames.loraB}${this.factorNames.leaf}`, { variable: update.loraB, layout: 'transposed' }];
    if (update.magnitude) yield ['lora_magnitude_vector', { variable: update.magnitude, layout: 'same' }];
  }

  /** What the file of an adapter of this configuration holds of this layer. @internal */
  *expectedTensors({ r, useDora }: LoraConfig): IterableIterator<[string, ExpectedTensor]> {
    const [inFeatures, outFeatures] = this.weightShape;
    yield [`${this.factorNames.loraA}${this.factorNames.leaf}`, { shape: [r, inFeatures] }];
    yield [`${this.factorNames.loraB}${this.factorNames.leaf}`, { shape: [outFeatures, r] }];
    if (useDora) yield ['lora_magnitude_vector', { shape: [outFeatures] }];
  }

  /** PEFT's names of A and B, and what follows the adapter's name in them. */
  protected abstract get factorNames(): { readonly loraA: string; readonly loraB: string; readonly leaf: '' | '.weight' };

  /** `s·x·A·B` of one update, or DoRA's, from the probe x; ΔW itself for a table, which has none. @internal */
  deltaOutputs(x: tf.Tensor | undefined, weight: tf.Tensor, updates: readonly LoraUpdate[]): tf.Tensor {
    const parts = updates.map((update) => {
      if (!x || update.magnitude) return x ? tf.matMul(x as tf.Tensor2D, update.delta(weight) as tf.Tensor2D) : update.delta(weight);
      const low = tf.matMul(x as tf.Tensor2D, update.loraA as tf.Tensor2D);
      return tf.matMul(low, update.loraB as tf.Tensor2D).mul(update.scaling);
    });
    return tf.addN(parts);
  }

  /** The base's outputs with what each row's own adapter adds. @throws StateError for a DoRA adapter. */
  protected mixed(batch: MixedBatch, branch: (rows: tf.Tensor, update: LoraUpdate) => tf.Tensor): tf.Tensor {
    return adapterPerRow(this, batch, (rows, update, name) => {
      if (update.magnitude) throw new StateError(`adapterNames does not work with the DoRA adapter '${name}'`);
      return branch(rows, update);
    });
  }

  /** @internal */
  deltaWeight(weight: tf.Tensor, updates: readonly LoraUpdate[]): tf.Tensor {
    return updates.reduce((sum, update) => sum.add(update.delta(weight)), tf.zerosLike(weight));
  }

  /** @internal */
  reorderOutputs(name: string, order: tf.Tensor1D): void {
    const update = this.updates.get(name);
    update?.loraB.assign(tf.gather(update.loraB, order, 1)); // (r, O)
    update?.magnitude?.assign(tf.gather(update.magnitude, order));
  }
}
