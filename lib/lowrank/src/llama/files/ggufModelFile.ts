/** Opens a model in a GGUF file, with Hugging Face's names and layout. */
import { dequantize, type GgufFile } from '../../io';
import { type Architecture, architectureOf } from '../architectures';
import { isRotated, rotaryRow } from '../rotaryLayout';
import { configFromGguf } from './ggufConfig';
import { type ModelFiles, type ModelTensor, reusedBuffer } from './modelSource';
import { openGguf } from './openGguf';

/** The frequencies of a scaled rotary embedding; the configuration holds them instead. */
const CONSTANT = 'rope_freqs.weight';

/** @throws GgufError when the file is malformed; UnsupportedError for an architecture that this library does not read. */
export async function openGgufModel(path: string): Promise<ModelFiles> {
  const file = await openGguf(path);
  const config = configFromGguf(file);
  const architecture = architectureOf(config);
  const buffer = reusedBuffer();
  const names = [...file.tensors.keys()].filter((name) => name !== CONSTANT).map((name) => huggingFaceName(name, architecture));
  const tensor = (name: string) => {
    const stored = ggufName(name, architecture);
    if (stored === undefined || !file.tensors.has(stored)) return undefined;
    const tensor = tensorOf(file, stored, buffer);
    return architecture.ggufPairsNeighbours && isRotated(name) ? inHalves(tensor, config.headDim) : tensor;
  };
  return { path, config, names, tensor };
}

/** llama.cpp's name of the tensor that Hugging Face calls `name`; undefined if there is none. */
export function ggufName(name: string, { ggufNames }: Architecture): string | undefined {
  const [, layer, part = '', kind] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
  const stored = (layer === undefined ? ggufNames.ends : ggufNames.layer).get(part);
  if (stored === undefined) return undefined;
  return layer === undefined ? `${stored}.${kind}` : `blk.${layer}.${stored}.${kind}`;
}

/** The inverse of `ggufName`; an unknown name stays unchanged, and errors report it so. */
function huggingFaceName(stored: string, { ggufNames }: Architecture): string {
  const [, layer, part, kind] = /^(?:blk\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(stored) ?? [];
  const known = [...(layer === undefined ? ggufNames.ends : ggufNames.layer)].find(([, name]) => name === part)?.[0];
  if (known === undefined) return stored;
  return layer === undefined ? `${known}.${kind}` : `model.layers.${layer}.${known}.${kind}`;
}

function tensorOf(file: GgufFile, name: string, buffer: (length: number) => Uint8Array): ModelTensor {
  const { type, shape } = file.info(name);
  const read = (begin: number, end: number, out?: Float32Array) => dequantize(type, file.readRows(name, begin, end, buffer), out);
  return { shape, format: type, read, readStored: (begin, end) => file.readRows(name, begin, end) };
}

/**
 * Undoes llama.cpp's order of the rows of q and k, which pairs 2i with 2i + 1 for the rotation; Hugging Face pairs i with i + D/2. Rows
 * are whole blocks, so they move without conversion.
 */
function inHalves(tensor: ModelTensor, headDim: number): ModelTensor {
  const gather = <A extends Uint8Array | Float32Array>(begin: number, end: number, read: (begin: number, end: number) => A, out?: A): A => {
    const first = Math.floor(begin / headDim) * headDim; // whole heads
    const last = Math.ceil(end / headDim) * headDim;
    const heads = read(first, last);
    const width = heads.length / (last - first);
    const rows = out ?? (heads.slice(0, (end - begin) * width) as A);
    for (let row = begin; row < end; row++) {
      const from = rotaryRow(row, headDim, 'hf') - first;
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
