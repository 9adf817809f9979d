/** The keys of a zero-init prefix in `adapter_config.json`. */
import { toSnakeCase } from '../../nn';
import type { AdapterConfigOptions } from '../config/adapterConfig';
import type { ConfigFields } from '../files/configFields';
import { given } from '../files/knownFields';
import type { ConfigFileFields } from '../method';
import { AdaptionPromptConfig, GATE_KINDS } from './config';

export const adaptionPromptFields: ConfigFileFields<AdaptionPromptConfig> = { read, write };

function read(fields: ConfigFields, common: Required<AdapterConfigOptions>): AdaptionPromptConfig {
  const gate = fields.string('gate') ?? 'scalar';
  return new AdaptionPromptConfig({
    adapterLen: fields.number('adapter_len') ?? fields.fail('adapter_len', 'a number'),
    adapterLayers: fields.number('adapter_layers') ?? fields.fail('adapter_layers', 'a number'),
    gate: GATE_KINDS.find((kind) => kind === gate) ?? fields.fail('gate', GATE_KINDS.join(', ')),
    ...given({ targetModules: fields.string('target_modules') }),
    ...common,
  });
}

/** PEFT's fields, plus `gate` for a type that PEFT lacks; the shape of such a gate makes PEFT refuse the file instead of misreading it. */
function write({ adapterLayers, adapterLen, targetModules, gate }: AdaptionPromptConfig): Record<string, unknown> {
  return {
    adapter_layers: adapterLayers,
    adapter_len: adapterLen,
    target_modules: toSnakeCase(targetModules),
    ...(gate !== 'scalar' && { gate }),
  };
}
