/** Holds the adapters of a model during a call of several passes. */
import type { Act } from './adapters';
import { PeftModel } from './peftModel';

/** Runs a call whose passes, given to `act`, all use the adapters that are active now; until it has settled, these cannot be changed. */
export async function holdAdapters<T>(model: object, call: string, run: (act: Act) => Promise<T>): Promise<T> {
  return model instanceof PeftModel ? model.holdAdapters(call, run) : run((pass) => pass());
}
