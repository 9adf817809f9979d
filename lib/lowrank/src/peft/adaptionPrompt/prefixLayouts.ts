/** The three storage layouts of zero-init prefixes: names, shapes, and the type of gate. */
import { ArgumentError, FormatError, ShapeError, tf, UnsupportedError } from '../../runtime';
import { checkOneOf } from '../../runtime/checks/checkValues';
import type { GateKind } from './config';

/**
 * - `huggingface`: PEFT's file; a raw gate per layer, `…layers.N.self_attn.{adaption_prompt [1, P, C], adaption_gate [1]}`.
 * - `opengvlab`: the authors' code; the tanh of a gate per head, `layers.N.attention.gate [1, H, 1, 1]` on every layer, and one
 *   table for the prompts of the top L layers, `adapter_query.weight [L·P, C]`.
 * - `lit`: lit-llama and litgpt; a raw gate per head, `transformer.h.N.attn.{adapter_wte.weight [P, C], gating_factor
 *   [1, H, 1, 1]}` (litgpt's [1, 1, H, 1] and lit-llama's early [1] are read too).
 *
 * Prompts mean the same in all three, whatever the rotary layout: their keys are not rotated, and q·k does not change when both are
 * permuted alike.
 */
export type PrefixLayout = 'huggingface' | 'opengvlab' | 'lit';

export const GATE_OF_LAYOUT = { huggingface: 'scalar', opengvlab: 'perHeadTanh', lit: 'perHead' } as const satisfies Record<
  PrefixLayout,
  GateKind
>;

/** The sizes of the model that a prefix belongs to. */
export interface PrefixModelSizes {
  readonly numHiddenLayers: number;
  readonly numAttentionHeads: number;
  /** Number of layers with prompts; the OpenGVLab layout does not store it. */
  readonly adapterLayers?: number;
}

/** A prefix without a layout: prompts and gates of the top layers, lowest layer first. */
interface StoredPrefix {
  readonly gate: GateKind;
  readonly layers: readonly { readonly prompt: tf.Tensor2D; readonly gates: readonly number[] }[];
}

/** @throws FormatError when a tensor is missing or unexpected, ShapeError when one has the wrong shape. */
export function readLayout(layout: PrefixLayout, tensors: tf.NamedTensorMap, sizes: PrefixModelSizes): StoredPrefix {
  checkOneOf('layout', layout, Object.keys(GATE_OF_LAYOUT));
  const names = new Set(Object.keys(tensors));
  const take = (name: string): tf.Tensor => {
    const tensor = tensors[name];
    if (!names.delete(name) || !tensor) throw new FormatError(`a prefix in ${layout} layout has a tensor '${name}'; this one has not`);
    return tensor;
  };
  const layers = { huggingface: readHuggingFace, opengvlab: readOpenGVLab, lit: readLit }[layout](take, names, sizes);
  if (names.size > 0) throw new FormatError(`not part of a prefix in ${layout} layout: ${[...names].slice(0, 10).join(', ')}`);
  const widths = new Set(layers.map(({ prompt }) => prompt.shape.join()));
  if (widths.size !== 1) throw new ShapeError(`the prompts of all layers have one shape; found [${[...widths].join('], [')}]`);
  return { gate: GATE_OF_LAYOUT[layout], layers };
}

/**
 * The tensors of a prefix in a layout with the same gate type. Under Hugging Face's names, a gate per head has the shape [1, H, 1, 1], as
 * in this library's own files; PEFT refuses them.
 */
export function writeLayout(layout: PrefixLayout, { gate, layers }: StoredPrefix, sizes: PrefixModelSizes): tf.NamedTensorMap {
  const { numHiddenLayers, numAttentionHeads: H } = sizes;
  const first = numHiddenLayers - layers.length;
  const tensors: tf.NamedTensorMap = {};
  if (layout === 'opengvlab') {
    tensors['adapter_query.weight'] = tf.concat(layers.map(({ prompt }) => prompt));
    for (let n = 0; n < first; n++) tensors[openGVLabGate(n)] = tf.zeros([1, H, 1, 1]); // required, but without effect
  }
  for (const [index, { prompt, gates }] of layers.entries()) {
    const n = first + index;
    if (layout === 'huggingface') {
      tensors[`${huggingFacePath(n)}.adaption_prompt`] = prompt.expandDims(0);
      tensors[`${huggingFacePath(n)}.adaption_gate`] = tf.tensor([...gates], gate === 'scalar' ? [1] : [1, H, 1, 1]);
    } else if (layout === 'lit') {
      tensors[`${litPath(n)}.adapter_wte.weight`] = prompt.clone();
      tensors[`${litPath(n)}.gating_factor`] = tf.tensor4d([...gates], [1, H, 1, 1]);
    } else tensors[openGVLabGate(n)] = tf.tensor4d([...gates], [1, H, 1, 1]);
  }
  return tensors;
}

/**
 * The same prefix with another gate type.
 *
 * @throws UnsupportedError when no gate of that type computes the same: heads with different gates have no single one, and no tanh
 * reaches 1.
 */
export function withGate({ gate, layers }: StoredPrefix, target: GateKind, { numAttentionHeads }: PrefixModelSizes): StoredPrefix {
  if (gate === target) return { gate, layers };
  const convert = (gates: readonly number[]): number[] => {
    const raw = gate === 'perHeadTanh' ? gates.map(Math.tanh) : [...gates];
    if (target === 'scalar') return [theOne(raw)];
    const perHead = raw.length === 1 ? Array<number>(numAttentionHeads).fill(raw[0] ?? 0) : raw;
    return target === 'perHead' ? perHead : perHead.map(inverseTanh);
  };
  return { gate: target, layers: layers.map(({ prompt, gates }) => ({ prompt, gates: convert(gates) })) };
}

type Layers = StoredPrefix['layers'];
type Take = (name: string) => tf.Tensor;

function readHuggingFace(take: Take, names: ReadonlySet<string>, sizes: PrefixModelSizes): Layers {
  return topLayers(names, /\.layers\.(\d+)\.self_attn\.adaption_gate$/, sizes).map((n) => {
    const prompt = take(`${huggingFacePath(n)}.adaption_prompt`);
    if (prompt.rank !== 3 || prompt.shape[0] !== 1) throw new ShapeError(`adaption_prompt has shape [${prompt.shape}], not [1, P, C]`);
    return { prompt: prompt.squeeze<tf.Tensor2D>([0]), gates: gatesOf(take(`${huggingFacePath(n)}.adaption_gate`), [1]) };
  });
}

function readOpenGVLab(take: Take, _: ReadonlySet<string>, sizes: PrefixModelSizes): Layers {
  const { numHiddenLayers, numAttentionHeads, adapterLayers: L = 0 } = sizes;
  const table = take('adapter_query.weight') as tf.Tensor2D;
  const [rows, C] = table.shape;
  if (!(L >= 1 && L <= numHiddenLayers && rows % L === 0)) {
    throw new ArgumentError(`adapter_query.weight has ${rows} rows for ${L} layers; give adapterLayers, the number of layers with prompts`);
  }
  const gates = Array.from({ length: numHiddenLayers }, (_, n) => gatesOf(take(openGVLabGate(n)), [numAttentionHeads])).slice(-L);
  return gates.map((layerGates, index) => ({ prompt: table.slice([(index * rows) / L, 0], [rows / L, C]), gates: layerGates }));
}

function readLit(take: Take, names: ReadonlySet<string>, sizes: PrefixModelSizes): Layers {
  const H = sizes.numAttentionHeads;
  return topLayers(names, /\.h\.(\d+)\.attn\.gating_factor$/, sizes).map((n) => {
    const prompt = take(`${litPath(n)}.adapter_wte.weight`).clone() as tf.Tensor2D;
    const gates = gatesOf(take(`${litPath(n)}.gating_factor`), [H, 1]);
    return { prompt, gates: gates.length === H ? gates : Array<number>(H).fill(gates[0] ?? 0) };
  });
}

/** The numbers of the layers with a gate. @throws FormatError when they are not the top layers of the model. */
function topLayers(names: ReadonlySet<string>, pattern: RegExp, { numHiddenLayers }: PrefixModelSizes): number[] {
  const found = [...names].flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
  const layers = found.sort((a, b) => a - b);
  const isTop = layers.every((n, index) => n === numHiddenLayers - layers.length + index);
  if (layers.length > 0 && isTop) return layers;
  throw new FormatError(`prefixes are on layers ${layers.join(', ') || 'none'}; expected the top ones of ${numHiddenLayers}`);
}

function gatesOf(tensor: tf.Tensor, sizes: readonly number[]): number[] {
  if (!sizes.includes(tensor.size)) throw new ShapeError(`a gate has shape [${tensor.shape}]; expected ${sizes.join(' or ')} numbers`);
  return [...tensor.dataSync<'float32'>()];
}

function theOne(gates: readonly number[]): number {
  const [first = 0] = gates;
  if (gates.every((gate) => gate === first)) return first;
  throw new UnsupportedError(`the heads' gates differ (${gates.join(', ')}); a layout with one gate per layer cannot hold them`);
}

function inverseTanh(gate: number): number {
  if (Math.abs(gate) < 1) return Math.atanh(gate);
  throw new UnsupportedError(`the gate ${gate} is not the tanh of a number: the OpenGVLab layout holds −1 < g < 1 alone`);
}

function huggingFacePath(n: number): string {
  return `base_model.model.model.layers.${n}.self_attn`;
}

function openGVLabGate(n: number): string {
  return `layers.${n}.attention.gate`;
}

function litPath(n: number): string {
  return `transformer.h.${n}.attn`;
}
