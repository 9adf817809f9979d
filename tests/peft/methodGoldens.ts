/** What PEFT computed with the adapters of tests/golden/scripts/adapters/makeMethods.py, and loading them. */
import { PeftModel, type tf } from 'lowrank';
import { goldenFolder } from '../goldenFolder';
import { tinyModel } from './tinyModel';

export const { path: methodPath, tensor: methodGolden, names: methodNames } = goldenFolder('methods');

/** The gradients of a case, by PEFT's names of the parameters. */
export function methodGradients(name: string): Map<string, tf.Tensor> {
  const prefix = `${name}/grad/`;
  return new Map(methodNames(prefix).map((key) => [key, methodGolden(`${prefix}${key}`)]));
}

/** The adapter of a case on a new copy of its base. */
export async function loadMethod(name: string, { isTrainable = true }: { readonly isTrainable?: boolean } = {}): Promise<PeftModel> {
  return PeftModel.fromPretrained(
    tinyModel({ attentionBias: name.includes('Bias'), tieWordEmbeddings: name.includes('Tied') }),
    methodPath(name),
    { isTrainable },
  );
}
