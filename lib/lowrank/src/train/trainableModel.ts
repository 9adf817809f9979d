/** The interface of a model for the trainer. */
import type { PeftConfig, RowRange } from '../peft';
import { StateError, type tf } from '../runtime';
import type { TensorBatch } from './data/tensorBatch';

/** A model with a loss and trainable parameters: a LlamaForCausalLM, a PeftModel, or a model of your own. */
export interface TrainableModel {
  /**
   * The mean loss over the labels that are not −100, each predicted from the tokens before it.
   *
   * Shapes: inputIds, labels, attentionMask, segmentIds (B, T), learnedPositions (K) → ().
   */
  loss(inputIds: tf.Tensor2D, labels: tf.Tensor2D, options?: Omit<TensorBatch, 'inputIds' | 'labels'>): tf.Scalar;
  /** The parameters to train, by name. */
  trainableParameters(): Iterable<readonly [string, tf.Variable]>;
  /** All parameters, frozen ones included, by name. */
  namedParameters?(): Iterable<readonly [string, tf.Variable]>;
  /** Turns dropout on; called before the first update. */
  train?(): unknown;
  /** Turns dropout off, for evaluations and after the run. */
  eval?(): unknown;
  readonly isTraining?: boolean;
  /** The maximum number of tokens, the vocabulary size and the width, if known. */
  readonly config?: { readonly maxPositionEmbeddings?: number; readonly vocabSize?: number; readonly hiddenSize?: number };
  /** The number of training losses that have drawn dropout masks: a resumed run continues from there. */
  dropoutStep?: number;
  /** The seeds of the dropout masks, by layer; int32 (): a resumed run draws the same masks. */
  dropoutSeeds?(): ReadonlyMap<string, tf.Variable>;
  /** The rows of a batch in the loss, if not all: each row then gets the same dropout mask as in the whole batch. */
  dropoutRows?: RowRange | undefined;
  /** The adapters' configurations, if the model has adapters. */
  readonly peftConfig?: Readonly<Record<string, PeftConfig>>;
  readonly activeAdapters?: readonly string[];
  /** The tensors of an adapter, by name. */
  adapterTensors?(name: string): ReadonlyMap<string, { readonly variable: tf.Variable }>;
  /** Adapters that are merged into the base's weights, where no gradient reaches them. */
  readonly mergedAdapters?: readonly string[];
}

/** The trainable parameters; a variable with two names appears once. @throws StateError when there are none, or adapters are merged. */
export function parametersOf(model: TrainableModel): ReadonlyMap<string, tf.Variable> {
  const { mergedAdapters = [] } = model;
  if (mergedAdapters.length > 0)
    throw new StateError(
      `${mergedAdapters.join(', ')} is merged into the weights, where it cannot be trained: call unmergeAdapter() first`,
    );
  const seen = new Set<tf.Variable>();
  const parameters = new Map<string, tf.Variable>();
  for (const [name, variable] of model.trainableParameters()) {
    if (!seen.has(variable)) parameters.set(name, variable);
    seen.add(variable);
  }
  if (parameters.size === 0) throw new StateError(`this model has no trainable parameter: ${remedy(model)}`);
  return parameters;
}

function remedy({ peftConfig = {}, activeAdapters = [] }: TrainableModel): string {
  if (Object.keys(peftConfig).length === 0) return 'wrap it with getPeftModel, or do not freeze it';
  if (activeAdapters.length === 0) return `activate one of its adapters (${Object.keys(peftConfig).join(', ')}) with setAdapter()`;
  const loading = 'PeftModel.fromPretrained and loadAdapter load it frozen unless they are given { isTrainable: true }';
  return `its adapter ${activeAdapters.join(', ')} is frozen; ${loading}`;
}
