/** A model in a GGUF file, brought back to Hugging Face's names and layout. */
import { dequantize, type GgufFile, readGguf } from '../../io';
import { configFromGguf } from './ggufConfig';
import { type ModelFiles, type ModelTensor, reusedBuffer } from './modelFiles';

/** llama.cpp's names by Hugging Face's, within a layer. */
const LAYER_NAMES: ReadonlyMap<string, string> = new Map([
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
  ['input_layernorm', 'attn_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
]);
const NAMES: ReadonlyMap<string, string> = new Map([
  ['model.embed_tokens', 'token_embd'],
  ['model.norm', 'output_norm'],
  ['lm_head', 'output'],
]);

/** The frequencies of a scaled rotary embedding; they are read into the configuration. */
const CONSTANT = 'rope_freqs.weight';

/** @throws GgufError when the file is malformed; UnsupportedError when it is no LLaMA model. */
export async function openGgufModel(path: string): Promise<ModelFiles> {
  const file = await readGguf(path);
  const config = configFromGguf(file);
  const buffer = reusedBuffer();
  const names = [...file.tensors.keys()].filter((name) => name !== CONSTANT).map(huggingFaceName);
  const tensor = (name: string) => {
    const stored = ggufName(name);
    if (stored === undefined || !file.tensors.has(stored)) return undefined;
    const tensor = tensorOf(file, stored, buffer);
    return /\.[qk]_proj\./.test(name) ? inHalves(tensor, config.headDim) : tensor;
  };
  return { path, config, names, tensor };
}

/** llama.cpp's name of a tensor that Hugging Face calls `name`; undefined where it has none. */
export function ggufName(name: string): string | undefined {
  const [, layer, part = '', kind] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
  const stored = layer === undefined ? NAMES.get(part) : LAYER_NAMES.get(part);
  if (stored === undefined) return undefined;
  return layer === undefined ? `${stored}.${kind}` : `blk.${layer}.${stored}.${kind}`;
}

/** The name that `ggufName` leads back from; one that it does not know stays as it is, and is reported under it. */
function huggingFaceName(stored: string): string {
  const [, layer, part, kind] = /^(?:blk\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(stored) ?? [];
  const known = [...(layer === undefined ? NAMES : LAYER_NAMES)].find(([, name]) => name === part)?.[0];
  if (known === undefined) return stored;
  return layer === undefined ? `${known}.${kind}` : `model.layers.${layer}.${known}.${kind}`;
}

function tensorOf(file: GgufFile, name: string, buffer: (length: number) => Uint8Array): ModelTensor {
  const { type, shape } = file.info(name);
  const read = (begin: number, end: number, out?: Float32Array) => dequantize(type, file.readRows(name, begin, end, buffer), out);
  return { shape, format: type, read, readStored: (begin, end) => file.readRows(name, begin, end) };
}

/**
 * Undoes llama.cpp's order of the rows of q and k, which pairs 2i with 2i + 1 for the rotation where Hugging Face pairs i with
 * i + D/2. Rows are whole blocks, so that they move as they are stored.
 */
function inHalves(tensor: ModelTensor, headDim: number): ModelTensor {
  const gather = <A extends Uint8Array | Float32Array>(begin: number, end: number, read: (begin: number, end: number) => A, out?: A): A => {
    const first = Math.floor(begin / headDim) * headDim; // whole heads
    const last = Math.ceil(end / headDim) * headDim;
    const heads = read(first, last);
    const width = heads.length / (last - first);
    const rows = out ?? (heads.slice(0, (end - begin) * width) as A);
    for (let row = begin; row < end; row++) {
      const inHead = row % headDim;
      const half = headDim / 2;
      const from = row - inHead + (inHead < half ? 2 * inHead : 2 * (inHead - half) + 1) - first;
      rows.set(heads.subarray(from * width, (from + 1) * width), (row - begin) * width);
    }
    return rows;
  };
  return {
    ...tensor,
    read: (begin, end, out) => gather(begin, end, tensor.read, out),
    readStored: (begin, end) => gather(begin, end, tensor.readStored),
  };
}
