/** A model with adapters on it: PEFT's PeftModel. */
import {
  type ForwardOptions,
  type GenerateOptions,
  generate,
  type InputOptions,
  type LlamaConfig,
  LlamaForCausalLM,
  type LossOptions,
  type TokenRows,
} from '../llama';
import type { Module } from '../nn';
import { ShapeError, StateError, tf } from '../runtime';
import { atPlace } from '../runtime/messages/atPlace';
import { type AdapterLoadOptions, checkLoadOptions } from './adapterOptions';
import { openAdapterFolder } from './files/openAdapterFolder';
import { BASE_ROW } from './layers/adapterPerRow';
import type { RowRange } from './layers/adapterState';
import { MergeableAdapters } from './merge/mergeableAdapters';
import { printTrainableParameters } from './printTrainableParameters';

/** A model for adapters: a LlamaForCausalLM, or a model of your own with these methods. */
export interface CausalModel extends Module {
  readonly config: LlamaConfig;
  /** The origin of the model, which saved adapters name. */
  readonly nameOrPath?: string;
  /** Whether its vocabulary was resized; saved adapters then contain its embedding and output layer. */
  readonly isResized?: boolean;
  /** Shapes: inputIds (B, T) → logits (B, T, V). */
  forward(inputIds: TokenRows, options?: ForwardOptions): tf.Tensor3D;
  /** Shapes: inputIds, labels (B, T) → (). */
  loss(inputIds: TokenRows, labels: TokenRows, options?: LossOptions): tf.Scalar;
  /** Shapes: inputIds (B, T) → (B, H, T, S) per layer. */
  attentions(inputIds: TokenRows, options?: InputOptions): tf.Tensor4D[];
}

/** The adapter of each row of a batch. */
export interface RowAdapters {
  /** One name per row; `__base__` means no adapter. @defaultValue the active adapters, for all rows */
  readonly adapterNames?: readonly string[];
}

/** A model with frozen weights and any number of named adapters of one method. */
export class PeftModel<M extends CausalModel = CausalModel> extends MergeableAdapters<M> {
  /**
   * Loads an adapter that PEFT or {@link savePretrained} wrote, puts it on a model, and activates it.
   *
   * @param options - the adapter's name in this model, by default `default`, and `isTrainable`, by default false
   * @throws as {@link loadAdapter}; StateError when the model already has adapters. The model is unchanged then.
   *
   * @example
   * const peft = await PeftModel.fromPretrained(model, 'adapters/review', { isTrainable: true });
   */
  static async fromPretrained<M extends CausalModel>(model: M, folder: string, options: AdapterLoadOptions = {}): Promise<PeftModel<M>> {
    checkLoadOptions('PeftModel.fromPretrained', options);
    const opened = atPlace(folder, () => openAdapterFolder(folder));
    const peftModel = new PeftModel(model, opened.config.peftType);
    atPlace(folder, () => peftModel.load(opened, options));
    model.freeze();
    peftModel.setAdapter(options.adapterName ?? 'default');
    return peftModel;
  }

  /** The base model's configuration. */
  get config(): LlamaConfig {
    return this.model.config;
  }

  /** Whether dropout acts; see {@link train}. */
  get isTraining(): boolean {
    return this.state.isTraining;
  }

  /** Turns dropout on for `forward` and `loss`. */
  train(): this {
    this.state.isTraining = true;
    return this;
  }

  /** Turns dropout off, the initial state. */
  eval(): this {
    this.state.isTraining = false;
    return this;
  }

  /** The number of training steps with dropout masks; `train` saves it, and a resumed run restores it. */
  get dropoutStep(): number {
    return this.state.dropoutStep;
  }

  /** Continues with the masks after this number of steps. */
  set dropoutStep(step: number) {
    this.state.dropoutStep = step;
  }

  /** The rows of a batch in the next losses: their dropout masks are those of the whole batch; see `RowRange`. */
  get dropoutRows(): RowRange | undefined {
    return this.state.rows;
  }

  /** Sets the rows of the next losses; undefined for a whole batch. */
  set dropoutRows(rows: RowRange | undefined) {
    this.state.rows = rows;
  }

  /** As the model's own; rows may use different adapters. Shapes: (B, T) → (B, T, V). */
  forward(inputIds: TokenRows, { adapterNames, ...options }: ForwardOptions & RowAdapters = {}): tf.Tensor3D {
    return this.withRows(rowCount(inputIds), adapterNames, () => {
      this.state.nextStep();
      return this.model.forward(inputIds, options);
    });
  }

  /** As the model's own. Shapes: (B, T) → (). */
  loss(inputIds: TokenRows, labels: TokenRows, options?: LossOptions): tf.Scalar {
    this.state.nextStep();
    return this.model.loss(inputIds, labels, options);
  }

  /** As the model's own, without dropout even in training mode; rows may use different adapters. */
  async generate(inputIds: TokenRows, { adapterNames, ...options }: GenerateOptions & RowAdapters = {}): Promise<number[][]> {
    const given = rowCount(inputIds);
    const within = <T>(rows: number, run: () => T) =>
      this.withoutDropout(() => this.withRows(rows, adapterNames && perBeam(adapterNames, rows / given), run));
    const forward = (ids: TokenRows, options: ForwardOptions) => within(rowCount(ids), () => this.model.forward(ids, options));
    const compilable = this.model instanceof LlamaForCausalLM ? { llama: this.model, within } : undefined;
    return generate({ config: this.config, forward, compilable }, inputIds, options);
  }

  /** As the model's own, without dropout; a prefix adds its gated weights before those of the tokens, (B, H, T, P + S). */
  attentions(inputIds: TokenRows, options?: InputOptions): tf.Tensor4D[] {
    return this.withoutDropout(() => this.model.attentions(inputIds, options));
  }

  /** The trainable parameters, by PEFT's names. */
  override trainableParameters(): Map<string, tf.Variable> {
    return new Map(super.trainableParameters());
  }

  /** Prints PEFT's sentence on the trainable share of the model. */
  printTrainableParameters(): void {
    printTrainableParameters(this);
  }

  /**
   * Runs `fn` without the adapters and returns its result; a promise keeps them disabled until it settles.
   *
   * Biases that an adapter with `bias` has trained belong to the model and stay trained; so does the residual of PiSSA and OLoRA.
   */
  disableAdapter<T>(fn: () => T): T {
    const { mergedAdapters: merged } = this;
    this.warnOfBase(this.activeAdapters);
    if (merged.length > 0) this.unmergeAdapter();
    this.setEnabled(false);
    const enable = () => {
      this.setEnabled(true);
      if (merged.length > 0) this.mergeAdapter({ adapterNames: merged });
    };
    return finallyDo(fn, enable);
  }

  private withRows<T>(rows: number, names: readonly string[] | undefined, run: () => T): T {
    if (!names) return run();
    if (names.length !== rows) throw new ShapeError(`adapterNames has ${names.length} names for ${rows} rows; give one per row`);
    this.ability('mixing');
    for (const name of names) if (name !== BASE_ROW) this.adapter(name);
    if (this.isTraining) throw new StateError('adapterNames is for inference; call eval() first');
    this.state.rowAdapters = names;
    return finallyDo(run, () => {
      this.state.rowAdapters = undefined;
    });
  }

  private withoutDropout<T>(run: () => T): T {
    const { isTraining } = this.state;
    this.state.isTraining = false;
    return finallyDo(run, () => {
      this.state.isTraining = isTraining;
    });
  }
}

/** Beam search makes several consecutive rows from each given row. */
function perBeam(names: readonly string[], beams: number): string[] {
  return names.flatMap((name) => Array<string>(beams).fill(name));
}

function rowCount(ids: TokenRows): number {
  return ids instanceof tf.Tensor ? ids.shape[0] : ids.length;
}

/** `try … finally` that waits for a promise. */
function finallyDo<T>(run: () => T, after: () => void): T {
  let isPending = false;
  try {
    const result = run();
    if (!(result instanceof Promise)) return result;
    isPending = true;
    return result.finally(after) as T;
  } finally {
    if (!isPending) after();
  }
}
