/** LoRA adapters as llama.cpp reads them. */
import { type GgufTensorToStore, writeGguf } from '../../io';
import { architectureOf } from '../../llama/architectures';
import { ggufName } from '../../llama/files/ggufModelFile';
import { isRotated, rotaryRows } from '../../llama/rotaryLayout';
import { TiedHead } from '../../nn';
import { tf, UnsupportedError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { methodOf } from '../methods';
import type { PeftModel } from '../peftModel';
import { LoraConfig } from './config';
import { LoraEmbedding } from './loraEmbedding';
import { LoraLayer } from './loraLayer';
import type { LoraUpdate } from './loraUpdate';

/**
 * Writes an adapter in llama.cpp's format, to be used with a GGUF file of the same base model (`llama-cli --lora`).
 *
 * The file holds A and B of each layer as 32-bit floats and one α for all, from which llama.cpp takes the scale `α/r`; where a
 * layer's scale is another (rsLoRA, patterns), the difference goes into B. q and k of LLaMA models are brought into the
 * order of rows of GGUF files, as llama.cpp's `convert_lora_to_gguf.py` does.
 *
 * @param options - `adapterName`, by default `default`
 * @throws UnsupportedError when llama.cpp cannot hold it: prefixes, DoRA, biases, `modulesToSave`, a PiSSA or OLoRA start, an adapted
 * embedding or head that the model shares between the two; StateError when there is no such adapter; StorageError when the disk refuses.
 */
export function exportGgufLora(model: PeftModel, path: string, options: { readonly adapterName?: string } = {}): void {
  checkKnown('exportGgufLora', options, ['adapterName']);
  const { adapterName = 'default' } = options;
  const config = checkedConfig(model, adapterName);
  const alpha = config.loraAlpha || config.r; // llama.cpp takes 0 for a scale of 1
  const architecture = architectureOf(model.config);
  const tensors = new Map<string, GgufTensorToStore>();
  for (const [layerPath, layer] of model.model.namedModules()) {
    const update = layer instanceof LoraLayer ? layer.updates.get(adapterName) : undefined;
    if (!(layer instanceof LoraLayer) || !update) continue;
    const name = ggufName(`${layerPath}.weight`, architecture);
    if (name === undefined) throw new UnsupportedError(`llama.cpp has no name for the adapted layer '${layerPath}'`);
    checkNotShared(model, layerPath, layer);
    if (layer.takesFromBase(config)) {
      const start = `the adapter '${adapterName}' belongs to what its '${config.initLoraWeights}' start leaves of '${layerPath}'`;
      throw new UnsupportedError(`${start}, not to the weight in llama.cpp's file of the base: merge it with mergeAndUnload() instead`);
    }
    const [a, b] = fileFactors(layer, update, alpha);
    const ordered = architecture.ggufPairsNeighbours && isRotated(layerPath) ? interleaved(b, model.config.headDim) : b;
    tensors.set(`${name}.lora_a`, stored(a));
    tensors.set(`${name}.lora_b`, stored(ordered));
  }
  const metadata = new Map<string, string | number>([
    ['general.architecture', architecture.gguf],
    ['general.type', 'adapter'],
    ['adapter.type', 'lora'],
    ['adapter.lora.alpha', alpha],
  ]);
  writeGguf(path, metadata, tensors);
}

function checkedConfig(model: PeftModel, name: string): LoraConfig {
  const refuse = (what: string): never => {
    throw new UnsupportedError(`the adapter '${name}' cannot be exported to GGUF: llama.cpp's adapters have no ${what}`);
  };
  model.adapterTensors(name); // throws when there is none
  const config = model.peftConfig[name];
  if (!(config instanceof LoraConfig)) return refuse(`${methodOf(model.peftType).name} parameters, only LoRA's`);
  const [below] = model.belowAdapter(name);
  if (below)
    throw new UnsupportedError(
      `${below}, to which '${name}' belongs and llama.cpp's file of the base does not: merge both with mergeAndUnload()`,
    );
  if (config.useDora) refuse('DoRA magnitudes');
  if (config.bias !== 'none') refuse('biases');
  if (config.trainableTokenIndices !== undefined) refuse('trained token rows (trainableTokenIndices)');
  if (config.modulesToSave.length > 0) refuse('whole modules (modulesToSave)');
  return config;
}

/** In a tied model llama.cpp uses one tensor for both ends, and cannot adapt only one of them. */
function checkNotShared(model: PeftModel, path: string, layer: LoraLayer): void {
  const isTied = [...model.model.namedModules()].some(([, module]) => module instanceof TiedHead);
  if (!isTied || !(layer instanceof LoraEmbedding || layer.baseLayer instanceof TiedHead)) return;
  throw new UnsupportedError(`'${path}' shares its table with the other end of the model, which llama.cpp cannot adapt on its own`);
}

/** A and B as rows of the file, B with what the layer's scale differs by. Shapes: A (r, I) and B (O, r); for a table A (V, r), B (C, r). */
function fileFactors(layer: LoraLayer, { loraA, loraB, scaling, r }: LoraUpdate, alpha: number): [tf.Tensor, tf.Tensor] {
  const scale = (scaling * r) / alpha;
  const a = layer instanceof LoraEmbedding ? loraA.clone() : loraA.transpose();
  const b = tf.tidy(() => (scale === 1 ? loraB.transpose() : loraB.transpose().mul(scale)));
  return [a, b];
}

/** Takes the rows of q or k into the order of GGUF files, and frees what it is given. Shapes: (O, r). */
function interleaved(b: tf.Tensor, headDim: number): tf.Tensor {
  const ordered = tf.tidy(() => tf.gather(b, tf.tensor1d(rotaryRows(b.shape[0] ?? 0, headDim, 'meta'), 'int32')));
  b.dispose();
  return ordered;
}

/** Reads a tensor's values and frees it. */
function stored(tensor: tf.Tensor): GgufTensorToStore {
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return { shape: tensor.shape, values };
}
