/** Parameters that stay packed in memory, as 16 bits, 8, 4 or the file's own blocks. */
import { Bfloat16Weight, GgufWeight, isGgufBlockType, packWeight, type QuantizedFormat, type WeightRows } from '../../nn';
import type { ModelTensor } from './modelSource';
import type { ReadParameter } from './parameterReader';

/** In which number formats a model is kept. */
export interface StorageOptions {
  /**
   * What weights are kept in: 32-bit floats, or 16 bits rounded to nearest. Norms and biases are 32-bit floats always, and so is
   * every computation. Weights of 16 bits are frozen. @defaultValue 'float32'
   */
  readonly dtype?: 'float32' | 'bfloat16';
  /**
   * Keeps the linear layers of the decoder at 4 or 8 bits, frozen, and dequantises each inside the step: NF4 with double quantisation
   * or int8 as bitsandbytes defines them, or llama.cpp's Q4_1. The embedding and the head are kept in `dtype`, as in bitsandbytes.
   * With `q4_1`, everything that a GGUF file has in blocks of Q4_0, Q4_1 or Q8_0 stays in the very blocks, embedding and head
   * included; its other matrices are quantised to Q4_1 in linear layers and go by `dtype` elsewhere. @defaultValue none
   */
  readonly quantize?: QuantizedFormat;
}

/** Chooses how each parameter is kept; what these options do not store packed is left to `plain`. */
export function storedReader({ dtype = 'float32', quantize }: StorageOptions, plain: ReadParameter): ReadParameter {
  return (name, shape, tensor) => {
    if (shape.length !== 2) return plain(name, shape, tensor); // a norm or a bias
    const isInDecoder = name.startsWith('model.layers.');
    const rows = rowsOf(tensor);
    const [O] = rows.shape;
    if (quantize === 'q4_1' && isGgufBlockType(tensor.format))
      return GgufWeight.fromBytes(tensor.format, rows.shape, tensor.readStored(0, O));
    if (quantize && isInDecoder) return packWeight(quantize, rows);
    if (dtype === 'float32') return plain(name, shape, tensor);
    return tensor.format === 'BF16' ? Bfloat16Weight.fromBytes(rows.shape, tensor.readStored(0, O)) : Bfloat16Weight.pack(rows);
  };
}

function rowsOf(tensor: ModelTensor): WeightRows {
  const [O = 0, I = 0] = tensor.shape;
  return { shape: [O, I], read: (begin, end) => tensor.read(begin, end) };
}
