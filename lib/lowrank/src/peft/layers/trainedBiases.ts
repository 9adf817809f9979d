/** Biases of the base that an adapter also trains: PEFT's `bias`. */
import type { Module } from '../../nn';
import { StateError, type tf } from '../../runtime';

/** `none`, `all`, or a method's own word for the biases of adapted layers, such as `lora_only`. */
export interface BiasConfig {
  readonly bias?: string;
}

/** The biases that a configuration trains, by path: all biases of the model, or those of the layers at these paths. */
export function trainedBiases(model: Module, { bias = 'none' }: BiasConfig, paths: readonly string[]): [string, tf.Variable][] {
  if (bias === 'none') return [];
  return [...model.namedParameters()].filter(([name]) => {
    if (!name.endsWith('.bias') || name.includes('.modules_to_save.')) return false;
    return bias === 'all' || paths.includes(name.replace(/(\.base_layer)?\.bias$/, ''));
  });
}

export function trainsBiases({ bias = 'none' }: BiasConfig): boolean {
  return bias !== 'none';
}

/** @throws StateError when the configuration trains biases and an adapter of the model already does. */
export function checkBiasesFree(config: BiasConfig, configs: ReadonlyMap<string, BiasConfig>): void {
  const owner = [...configs].find(([, other]) => trainsBiases(other))?.[0];
  if (!trainsBiases(config) || owner === undefined) return;
  throw new StateError(`the adapter '${owner}' trains biases already, and a model has them only once: use bias 'none', or delete it`);
}
