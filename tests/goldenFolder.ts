/** What other libraries computed. */
import { fileURLToPath } from 'node:url';
import { readSafetensors, type SafetensorsFile, tf } from 'lowrank';

/** A tensor of a file, as it is stored. */
export function storedTensor(file: SafetensorsFile, name: string): tf.Tensor {
  return tf.tensor(file.toFloat32(name), [...file.info(name).shape]);
}

/** A folder of tests/golden: its paths, and the tensors of one of its files. */
export function goldenFolder(folder: string, file = 'results.safetensors') {
  const path = (name: string) => fileURLToPath(new URL(`golden/${folder}/${name}`, import.meta.url));
  const results = readSafetensors(path(file));
  return {
    path,
    tensor: (name: string) => storedTensor(results, name),
    /** The names that begin with a prefix, without it. */
    names: (prefix: string) => results.names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
  };
}
