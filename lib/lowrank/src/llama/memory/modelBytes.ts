/** Computes the bytes of a model's weights from its configuration, without a list of its parameters. */
import type { QuantizedFormat } from '../../nn';
import { sizeOf } from '../../runtime/sizeOf';
import type { LlamaConfig } from '../config';
import { parameterShapes } from '../parameterShapes';

/** Storage type of the weights. */
export interface StoredAs {
  /** @defaultValue 'float32' */
  readonly dtype?: 'float32' | 'bfloat16';
  /** @defaultValue none */
  readonly quantize?: QuantizedFormat;
}

/** Bytes per value, with scales. */
const QUANTIZED: Readonly<Record<QuantizedFormat, number>> = { nf4: 0.53, int8: 1.01, q4_1: 0.625 };

export function modelBytes(config: LlamaConfig, stored: StoredAs): number {
  const { layer, ends } = countedBy(config, (name, shape) => {
    if (shape.length < 2) return 4;
    if (stored.quantize && (name.startsWith('model.layers.') || stored.quantize === 'q4_1')) return QUANTIZED[stored.quantize];
    return stored.dtype === 'bfloat16' ? 2 : 4;
  });
  return ends + config.numHiddenLayers * layer;
}

/** Memory beside the weights while they are read or initialized: the largest tensor once more, and the file's tables. */
export function readingBytes(config: LlamaConfig, { dtype = 'float32', quantize }: StoredAs): number {
  const largest = Math.max(config.vocabSize, config.intermediateSize) * config.hiddenSize;
  return 50e6 + (dtype === 'float32' && !quantize ? 4 * largest : 0);
}

/** Counts one layer and multiplies, because all layers are equal. */
function countedBy(config: LlamaConfig, bytesPerValue: (name: string, shape: readonly number[]) => number) {
  const counted = { layer: 0, ends: 0 };
  for (const [name, shape] of parameterShapes({ ...config, numHiddenLayers: 1 })) {
    counted[name.startsWith('model.layers.') ? 'layer' : 'ends'] += sizeOf(shape) * bytesPerValue(name, shape);
  }
  return counted;
}
