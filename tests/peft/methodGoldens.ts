/** What PEFT computed with the adapters of tests/golden/scripts/adapters/makeMethods.py, and loading them. */
import { fileURLToPath } from 'node:url';
import { PeftModel, readSafetensors, tf } from 'lowrank';
import { tinyModel } from './tinyModel';

const results = readSafetensors(methodPath('results.safetensors'));

export function methodPath(name: string): string {
  return fileURLToPath(new URL(`../golden/methods/${name}`, import.meta.url));
}

export function methodGolden(name: string): tf.Tensor {
  return tf.tensor(results.toFloat32(name), [...results.info(name).shape]);
}

/** The gradients of a case, by PEFT's names of the parameters. */
export function methodGradients(name: string): Map<string, tf.Tensor> {
  const prefix = `${name}/grad/`;
  const found = results.names.filter((key) => key.startsWith(prefix));
  return new Map(found.map((key) => [key.slice(prefix.length), methodGolden(key)]));
}

/** The adapter of a case on a new copy of its base. */
export async function loadMethod(name: string, { isTrainable = true }: { readonly isTrainable?: boolean } = {}): Promise<PeftModel> {
  return PeftModel.fromPretrained(
    tinyModel({ attentionBias: name.includes('Bias'), tieWordEmbeddings: name.includes('Tied') }),
    methodPath(name),
    { isTrainable },
  );
}
