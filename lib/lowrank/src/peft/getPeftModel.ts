/** Puts a first adapter on a model. */
import { ArgumentError } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import type { AdapterOptions } from './adapterOptions';
import type { CausalModel } from './causalModel';
import { methods, type PeftConfig } from './methods';
import { PeftModel } from './peftModel';

/**
 * Puts an adapter with this configuration on a model, in place, and freezes everything else.
 *
 * @param options - `adapterName`, by default `default`, and the adapter's `seed`
 * @throws ArgumentError when the configuration matches no layer of the model, or a rank or a number of layers is out of range; StateError
 * when the model already has adapters. The model is unchanged then.
 *
 * @example
 * const peft = getPeftModel(model, new LoraConfig({ r: 16, loraAlpha: 32, targetModules: ['q_proj', 'v_proj'] }));
 */
export function getPeftModel<M extends CausalModel>(
  model: M,
  config: PeftConfig,
  { adapterName = 'default', ...options }: AdapterOptions & { readonly adapterName?: string } = {},
): PeftModel<M> {
  const kinds = Object.values(methods).map(({ Config }) => Config);
  if (!kinds.some((Config) => config instanceof Config)) {
    throw new ArgumentError(`getPeftModel takes a configuration: ${kinds.map(({ name }) => `new ${name}({ … })`).join(' or ')}`);
  }
  checkKnown('getPeftModel', { adapterName, ...options }, ['adapterName', 'seed', 'isTrainable'], { name: 'adapterName' });
  const peftModel = new PeftModel(model, config.peftType);
  peftModel.addAdapter(adapterName, config, options);
  peftModel.setAdapter(adapterName);
  return peftModel;
}
