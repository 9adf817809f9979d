/** The names of the files with a model's weights in a Hugging Face folder. */

export const SINGLE = 'model.safetensors';
export const INDEX = 'model.safetensors.index.json';

/** One of several files, such as `model-00001-of-00002.safetensors`; the index begins with 0. */
export function shardFile(index: number, count: number): string {
  const five = (number: number) => String(number).padStart(5, '0');
  return `model-${five(index + 1)}-of-${five(count)}.safetensors`;
}
