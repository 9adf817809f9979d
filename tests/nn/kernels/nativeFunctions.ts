/** What of a compiled function this library's part of the native binding computes. */
import { compile, tf } from 'lowrank';
import { vi } from 'vitest';
import * as nativeKernels from '../../../lib/lowrank/src/runtime/compile/nativeKernels';
import * as bfloat16Support from '../../../lib/lowrank/src/runtime/device/bfloat16Support';
import { calledFunctions, graphModules } from '../../runtime/compile/bindingSpies';

export type Formulas = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** What a compiled function gives, the kernels in it by the names of their functions, and the types that these take and give. */
export function compiled(formulas: Formulas, inputs: tf.Tensor[], precision: 'float32' | 'bfloat16' = 'float32') {
  if (precision === 'bfloat16') vi.spyOn(bfloat16Support, 'hasBfloat16Products').mockReturnValue(true);
  const run = compile(formulas, { precision });
  let results: tf.Tensor[] = [];
  let modules: string[] = [];
  const functions = calledFunctions(() => {
    modules = graphModules(() => {
      results = run(...inputs);
    });
  });
  const [{ flops = 0 } = {}] = run.inspect();
  run.dispose();
  const kernels = new Set(functions);
  const types = new Set(modules.map((text) => (/@main\(.*?\{/.exec(text)?.[0].match(/f32|bf16/g) ?? []).join(' ')));
  return { results, kernels, types, flops };
}

/** Lets functions in float32 have the kernels that only those in bfloat16 get, so that their values can be compared closely. */
export function withKernelsInFloat32(): void {
  vi.spyOn(nativeKernels, 'canReplaceInBfloat16').mockImplementation(nativeKernels.canReplaceOperations);
}

/** The value of a formula and its slopes by every input, for a random slope of the value, which is the last input. */
export function withSlopes(formula: (...inputs: tf.Tensor[]) => tf.Tensor): Formulas {
  return (...given) => {
    const [inputs, dy] = [given.slice(0, -1), given.at(-1)];
    return [formula(...inputs), ...tf.grads(formula)(inputs, dy)];
  };
}
