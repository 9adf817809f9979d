/** LoRA on any layer with a weight. */
import { addResidual, type Projection, type TokenTable, tiedHeadOf } from '../../nn';
import { ArgumentError, StateError, tf, UnsupportedError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkGiven } from '../../runtime/checks/door';
import { AdapterLayer, type UpdateTensor } from '../layers/adapterLayer';
import { adapterPerRow } from '../layers/adapterPerRow';
import type { AdapterState } from '../layers/adapterState';
import type { ExpectedTensor } from '../tuner';
import { LoraConfig, type LoraOptions } from './config';
import { createLoraUpdate, takesFromBase } from './createLoraUpdate';
import type { LoraUpdate } from './loraUpdate';

/** PEFT's name of DoRA's magnitude in a file. */
const MAGNITUDE = 'lora_magnitude_vector';

/** The options of a LoRA layer besides its configuration. */
export interface LoraLayerOptions {
  /** Name of the adapter. @defaultValue 'default' */
  readonly adapterName?: string;
  /** Random seed of the initial values and dropout masks. @defaultValue 0 */
  readonly seed?: number;
  /** Shared by all layers of an adapted model. @defaultValue its own @internal */
  readonly state?: AdapterState;
}

/** A frozen layer with any number of named low-rank updates; `state` names the active ones. */
export abstract class LoraLayer<B extends Projection | TokenTable = Projection | TokenTable> extends AdapterLayer<B, LoraUpdate> {
  /**
   * @param options - without options, the layer has no adapter yet
   * @throws ArgumentError when the rank is not in 1…min(I, O).
   */
  constructor(baseLayer: B, options?: LoraOptions, given: LoraLayerOptions = {}) {
    checkGiven(
      `new ${new.target.name}(baseLayer)`,
      { baseLayer, given },
      { baseLayer: '{forward, namedModules}', given: '{adapterName?: text}' },
    );
    super(baseLayer, given.state);
    checkKnown(new.target.name, given, ['adapterName', 'seed', 'state']);
    const { adapterName = 'default', seed = 0 } = given;
    if (options !== undefined) this.addAdapter(adapterName, options, { seed });
  }

  /** @throws StateError for rows that name a DoRA adapter. */
  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const base = this.baseLayer.forward(x);
      const names = this.state.rowAdapters;
      if (!names) {
        const added = (update: LoraUpdate) =>
          update.magnitude ? this.doraBranch(x, base, update, update.magnitude) : this.branch(x, update);
        return this.actingUpdates().reduce((y, update) => addResidual(y, added(update)), base);
      }
      return adapterPerRow(this, { x, base, names }, (rows, update, name) => {
        if (update.magnitude) throw new StateError(`adapterNames does not work with the DoRA adapter '${name}'`);
        return this.branch(rows, update);
      });
    });
  }

  /** The output of one update, without DoRA. */
  protected abstract branch(x: tf.Tensor, update: LoraUpdate): tf.Tensor;

  /** The output of DoRA minus that of the base. */
  protected abstract doraBranch(x: tf.Tensor, base: tf.Tensor, update: LoraUpdate, magnitude: tf.Tensor): tf.Tensor;

  /** A of the first active adapter, (I, r). */
  get loraA(): tf.Variable {
    return this.firstActive().loraA;
  }

  /** B of the first active adapter, (r, O). */
  get loraB(): tf.Variable {
    return this.firstActive().loraB;
  }

  /** The scale of the first active adapter, usually `α/r`. */
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
    const takes = this.takesFromBase(config);
    if (config.r > highest && !(isGiven && !takes)) {
      throw new ArgumentError(`rank ${config.r} is not in 1…${highest}, the ranks of a (${inFeatures}, ${outFeatures}) weight`);
    }
    if (!config.useDora && !takes) return;
    if (takes && tiedHeadOf(this.baseLayer)) {
      const start = `initLoraWeights '${config.initLoraWeights}' takes its start out of the base weight`;
      throw new UnsupportedError(`${start}, which here is shared by the embedding and the output layer: start another way`);
    }
    const { format } = this.baseWeight();
    if (takes && format !== 'float32') {
      const start = `initLoraWeights '${config.initLoraWeights}' takes its start out of the base weight, which is kept as ${format}`;
      throw new UnsupportedError(`${start}: load the model in float32, or start another way`);
    }
  }

  /** Whether the start takes something out of this layer's weight; it takes nothing out of a token table. @internal */
  takesFromBase(config: LoraConfig): boolean {
    return this.kind !== 'token table' && takesFromBase(config);
  }

  /** Adds an adapter with the start that its configuration names. @throws ArgumentError when the rank exceeds the layer's widths. */
  addAdapter(name: string, options: LoraOptions, given: Pick<LoraLayerOptions, 'seed'> = {}): void {
    checkKnown('addAdapter', given, ['seed']);
    const { seed = 0 } = given;
    const config = new LoraConfig(options);
    this.checkConfig(config);
    this.putNew(name, config, { seed });
  }

  /** Adds an adapter; its values are assigned afterwards. @internal */
  addEmptyAdapter(name: string, config: LoraConfig, seed: number): void {
    this.putNew(name, config, { seed, isEmpty: true });
  }

  private putNew(name: string, config: LoraConfig, start: { readonly seed: number; readonly isEmpty?: boolean }): void {
    const isTable = this.kind === 'token table';
    this.putUpdate(
      name,
      createLoraUpdate(this.weightShape, () => this.baseWeight(), config, { ...start, isTable }),
    );
  }

  protected updateTensors({ loraA, loraB, magnitude }: LoraUpdate): UpdateTensor[] {
    const names = this.factorNames;
    const factors: UpdateTensor[] = [
      { file: names.loraA, variable: loraA, layout: 'transposed' },
      { file: names.loraB, variable: loraB, layout: 'transposed' },
    ];
    if (!magnitude) return factors;
    return [...factors, { file: MAGNITUDE, parameter: `${MAGNITUDE}.weight`, variable: magnitude, layout: 'same' }];
  }

  /** The tensors of this layer in the file of an adapter with this configuration. @internal */
  *expectedTensors({ r, useDora }: LoraConfig): IterableIterator<[string, ExpectedTensor]> {
    const [inFeatures, outFeatures] = this.weightShape;
    yield [this.factorNames.loraA, { shape: [r, inFeatures] }];
    yield [this.factorNames.loraB, { shape: [outFeatures, r] }];
    if (useDora) yield [MAGNITUDE, { shape: [outFeatures] }];
  }

  /** PEFT's names of A and B in a file. */
  protected abstract get factorNames(): { readonly loraA: string; readonly loraB: string };

  /** `s·x·A·B` of one update, or DoRA's, for the probe x; for a table, which has no probe, ΔW itself. @internal */
  deltaOutputs(x: tf.Tensor | undefined, weight: tf.Tensor, updates: readonly LoraUpdate[]): tf.Tensor {
    const parts = updates.map((update) => {
      if (!x || update.magnitude) return x ? tf.matMul(x as tf.Tensor2D, update.delta(weight) as tf.Tensor2D) : update.delta(weight);
      const low = tf.matMul(x as tf.Tensor2D, update.loraA as tf.Tensor2D);
      return tf.matMul(low, update.loraB as tf.Tensor2D).mul(update.scaling);
    });
    return tf.addN(parts);
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
