/** Changes the number format of a model's weights in place. */
import { StateError, tf } from '../../runtime';
import { checkMemory, memoryPlan } from '../../runtime/memory/memoryBudget';
import { Embedding, type TokenTable } from '../embedding';
import { Linear } from '../linear';
import { checkAlive, type Module } from '../module';
import { TiedHead } from '../tiedHead';
import { Bfloat16Weight } from './bfloat16Weight';
import { checkStorable, packWeight, type QuantizedFormat } from './formats';
import { QuantizedEmbedding } from './quantizedEmbedding';
import { QuantizedLinear } from './quantizedLinear';
import { type QuantizedWeight, rowsOf, type WeightRows } from './quantizedWeight';

/** A linear layer, with any storage of its weight. */
export type LinearLayer = Linear | QuantizedLinear;

export function isLinearLayer(module: Module | undefined): module is LinearLayer {
  return module instanceof Linear || module instanceof QuantizedLinear;
}

/** Whether it is a table of token vectors, in any storage. */
export function isEmbeddingLayer(module: Module | undefined): module is Embedding | QuantizedEmbedding {
  return module instanceof Embedding || module instanceof QuantizedEmbedding;
}

/**
 * Quantises every linear layer except the head, one after another, and freezes it. Embeddings, the head and norms stay unchanged, as in
 * bitsandbytes; so do the copies of modules that adapters train.
 *
 * @throws UnsupportedError when the format does not support the width of a weight; StateError when adapters are merged. Nothing is changed
 * then.
 */
export function quantizeModel(model: Module, format: QuantizedFormat): void {
  checkAlive(model);
  checkUnmerged(model);
  const layers = modulesOf(model, isLinearLayer).filter(([path]) => !/(^|\.)(lm_head|modules_to_save)(\.|$)/.test(path));
  for (const [path, { inFeatures }] of layers) checkStorable(format, inFeatures, path);
  for (const [path, layer] of layers) replaceLinear(model, path, layer, (rows) => packWeight(format, rows));
}

/** @throws StateError when a wrapper keeps the values of a weight to restore them, which it could not. */
function checkUnmerged(model: Module): void {
  for (const [, module] of model.namedModules()) {
    const merged: unknown = Reflect.get(module, 'mergedAdapters');
    if (Array.isArray(merged) && merged.length > 0) {
      throw new StateError(
        `${merged.join(', ')} is merged into these weights: call unmergeAdapter() first, or mergeAndUnload() to keep it there`,
      );
    }
  }
}

/**
 * Stores every linear layer and embedding in float32 or rounded to bfloat16; quantised weights are dequantised. Norms and biases are always
 * float32. In float32, weights become plain variables again, frozen if they were packed.
 *
 * @throws MemoryError when the floats do not fit; nothing is changed then.
 */
export function castModel(model: Module, dtype: 'float32' | 'bfloat16'): void {
  if (dtype === 'float32') checkUnpackedMemory(model);
  for (const [path, layer] of modulesOf(model, isLinearLayer)) {
    if (dtype === 'bfloat16') replaceLinear(model, path, layer, Bfloat16Weight.pack);
    else if (layer instanceof QuantizedLinear) replaceStored(model, path, layer);
  }
  for (const [path, table] of modulesOf(model, isEmbeddingLayer)) {
    const toHalf = () => new QuantizedEmbedding(packedFrom(tableValues(table), Bfloat16Weight.pack), table.paddingIdx);
    if (dtype === 'bfloat16') replaceTable(model, path, table, toHalf());
    else if (table instanceof QuantizedEmbedding)
      replaceTable(model, path, table, new Embedding(frozen(tableValues(table)), table.paddingIdx));
  }
}

/** The additional bytes of the packed weights as floats. */
function checkUnpackedMemory(model: Module): void {
  const weights = modulesOf(model, isPacked).map(([, { weight }]) => weight);
  const bytes = weights.reduce((sum, { size, byteLength }) => sum + 4 * size - byteLength, 0);
  checkMemory(memoryPlan([{ name: 'weights as 32-bit floats', bytes }]), {
    what: 'unpacking the weights',
    remedy: "Keep them as they are, or take dtype: 'bfloat16' where the model is loaded",
  });
}

function isPacked(module: Module): module is QuantizedLinear | QuantizedEmbedding {
  return module instanceof QuantizedLinear || module instanceof QuantizedEmbedding;
}

function replaceLinear(model: Module, path: string, layer: LinearLayer, pack: (rows: WeightRows) => QuantizedWeight): void {
  const stored = new QuantizedLinear(packedFrom(fileLayout(layer), pack), layer.bias);
  model.replaceModule(path, stored);
  layer.weight.dispose();
}

function replaceStored(model: Module, path: string, layer: QuantizedLinear): void {
  const weight = frozen(tf.tidy(() => layer.weight.unpack().transpose()));
  model.replaceModule(path, new Linear(weight, layer.bias));
  layer.weight.dispose();
}

/** A head that shares the table changes with it. */
function replaceTable(model: Module, path: string, table: TokenTable, replacement: TokenTable): void {
  for (const [headPath, head] of modulesOf(model, isTiedHead)) {
    if (head.isTiedTo(table)) model.replaceModule(headPath, new TiedHead(replacement));
  }
  model.replaceModule(path, replacement);
  table.weight.dispose();
}

/** A linear layer's weight in the layout of files. Shapes: → (O, I). */
function fileLayout({ weight }: LinearLayer): tf.Tensor {
  return tf.tidy(() => (weight instanceof tf.Variable ? weight.transpose() : weight.unpack()));
}

/** Shapes: → (V, C). */
function tableValues({ weight }: TokenTable): tf.Tensor {
  return tf.tidy(() => (weight instanceof tf.Variable ? weight.clone() : weight.unpack()));
}

/** Takes ownership of the values. */
function packedFrom<W>(values: tf.Tensor, pack: (rows: WeightRows) => W): W {
  const weight = pack(rowsOf(values));
  values.dispose();
  return weight;
}

/** Takes ownership of the values. */
function frozen(values: tf.Tensor): tf.Variable {
  const variable = tf.tidy(() => tf.variable(values, false));
  values.dispose();
  return variable;
}

function isTiedHead(module: Module): module is TiedHead {
  return module instanceof TiedHead;
}

function modulesOf<M extends Module>(model: Module, is: (module: Module) => module is M): [string, M][] {
  return [...model.namedModules()].flatMap(([path, module]) => (is(module) ? [[path, module] as [string, M]] : []));
}
