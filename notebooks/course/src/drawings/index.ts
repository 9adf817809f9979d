/** All drawings of the course, by the name of their file. */
import { loraUpdate } from './loraUpdate';
import { prefixSoftmax } from './prefixSoftmax';
import type { Drawing } from './shapes';
import { transformerLayer } from './transformerLayer';

export const DRAWINGS: Readonly<Record<string, () => Drawing | Promise<Drawing>>> = {
  'transformer-layer': transformerLayer,
  'lora-update': loraUpdate,
  'prefix-softmax': prefixSoftmax,
};
