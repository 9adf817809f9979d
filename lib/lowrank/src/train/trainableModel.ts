/** What the trainer asks of a model. */
import type { PeftConfig, RowRange } from '../peft';
import { StateError, type tf } from '../runtime';
import type { TensorBatch } from './data/tensorBatch';

/** Anything that has a loss and knows what of it may change: a LlamaForCausalLM, a PeftModel, or a model of your own. */
export interface TrainableModel {
  /**
   * The mean loss over the labels that are not −100, each predicted from the tokens before it.
   *
   * Shapes: inputIds, labels, attentionMask, segmentIds (B, T), learnedPositions (K) → ().
   */
  loss(inputIds: tf.Tensor2D, labels: tf.Tensor2D, options?: Omit<TensorBatch, 'inputIds' | 'labels'>): tf.Scalar;
  /** The parameters to train, by name. */
  trainableParameters(): Iterable<readonly [string, tf.Variable]>;
  /** These and the frozen ones, by name. */
  namedParameters?(): Iterable<readonly [string, tf.Variable]>;
  /** Turns dropout on; called before the first update. */
  train?(): unknown;
  /** Turns dropout off, as it is for evaluations and after the run. */
  eval?(): unknown;
  readonly isTraining?: boolean;
  /** The most tokens that fit the model, how many ids it knows, and its width, where they are known. */
  readonly config?: { readonly maxPositionEmbeddings?: number; readonly vocabSize?: number; readonly hiddenSize?: number };
  /** How many losses dropout has drawn masks for, in training: a resumed run goes on from there. */
  dropoutStep?: number;
  /** Which rows of a batch a loss is of, where it is not all of them: dropout gives each row the mask that it has in the whole batch. */
  dropoutRows?: RowRange | undefined;
  /** The adapters' configurations, of a model that has adapters. */
  readonly peftConfig?: Readonly<Record<string, PeftConfig>>;
  readonly activeAdapters?: readonly string[];
  /** What an adapter is made of, by name. */
  adapterTensors?(name: string): ReadonlyMap<string, { readonly variable: tf.Variable }>;
  /** Adapters that are in the base's weights at present, where no gradient reaches them. */
  readonly mergedAdapters?: readonly string[];
}

/**
 * The trainable parameters, each variable once even where two names share it.
 *
 * @throws StateError when there are none, or adapters are merged.
 */
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
