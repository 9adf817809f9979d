/** The model of a cell: with an adapter, or with all its weights trained. Either leaves the base as it was. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { countParameters, getPeftModel, type LlamaForCausalLM, type PeftModel, tf } from 'lowrank';
import { type ExperimentMethod, methodConfig } from './experimentConfig';

/** A model to train, with the means to save and restore it. */
interface TunedBase {
  readonly model: PeftModel | LlamaForCausalLM;
  readonly trainableParameters: number;
  /** Saves the adapter, and returns its size; null when there is none. */
  save(folder: string): number | null;
  restore(): void;
}

export function tuned(base: LlamaForCausalLM, method: ExperimentMethod, seed: number): TunedBase {
  const config = methodConfig(method);
  if (config === undefined) return wholeModel(base);
  const model = getPeftModel(base, config, { seed });
  return {
    model,
    trainableParameters: countParameters(model).trainable,
    save: (folder) => {
      model.savePretrained(folder);
      return fs.statSync(nodePath.join(folder, 'adapter_model.safetensors')).size;
    },
    restore: () => void model.unload(),
  };
}

/** Keeps a copy of every weight, because training changes them all. */
function wholeModel(model: LlamaForCausalLM): TunedBase {
  const kept = Array.from(model.namedParameters(), ([, variable]) => {
    const { trainable } = variable;
    variable.trainable = true;
    return { variable, trainable, copy: tf.keep(variable.clone()) };
  });
  return {
    model,
    trainableParameters: countParameters(model).trainable,
    save: () => null,
    restore: () => {
      for (const { variable, trainable, copy } of kept) {
        variable.assign(copy);
        variable.trainable = trainable;
        copy.dispose();
      }
    },
  };
}
