/** Makes parameters that stay packed in memory, as 16 bits, 8, 4, or the file's own blocks. */
import { Bfloat16Weight, GgufWeight, isGgufBlockType, packWeight, type QuantizedFormat, type WeightRows } from '../../nn';
import type { ModelTensor } from './modelSource';
import type { ReadParameter } from './parameterReader';

/** The number formats of a model in memory. */
export interface StorageOptions {
  /**
   * Storage type of weights: 32-bit floats, or 16-bit floats rounded to nearest. Norms and biases always stay in 32 bits, and all
   * computations use them. 16-bit weights are frozen. @defaultValue 'float32'
   */
  readonly dtype?: 'float32' | 'bfloat16';
  /**
   * Stores the linear layers of the decoder in 4 or 8 bits, frozen, and dequantizes each inside the step: NF4 with double quantization or
   * int8 as in bitsandbytes, or llama.cpp's Q4_1. The embedding and the head use `dtype`, as in bitsandbytes. With `q4_1`, all GGUF
   * blocks of Q4_0, Q4_1 or Q8_0 are kept unchanged, including embedding and head; other matrices become Q4_1 in linear layers and
   * `dtype` elsewhere. @defaultValue none
   */
  readonly quantize?: QuantizedFormat;
}

/** Chooses the storage of each parameter; `plain` handles those that these options do not pack. */
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
