/** IA3's keys of `adapter_config.json`. */
import type { AdapterConfigOptions } from '../config/adapterConfig';
import type { ConfigFields } from '../files/configFields';
import {
  defaultFields,
  FAN_IN_FAN_OUT,
  fileNames,
  given,
  nullIfEmpty,
  readModulesToSave,
  readTargets,
  warnOfFields,
} from '../files/knownFields';
import type { ConfigFileFields } from '../method';
import { IA3Config } from './config';

const WITHOUT_EFFECT = { fan_in_fan_out: FAN_IN_FAN_OUT };

export const ia3Fields: ConfigFileFields<IA3Config> = { read, write };

function read(fields: ConfigFields, common: Required<AdapterConfigOptions>): IA3Config {
  warnOfFields(fields, WITHOUT_EFFECT);
  return new IA3Config({
    ...given({
      feedforwardModules: fields.names('feedforward_modules'),
      excludeModules: fields.names('exclude_modules'),
      initIa3Weights: fields.boolean('init_ia3_weights'),
    }),
    targetModules: readTargets(fields),
    modulesToSave: readModulesToSave(fields),
    ...common,
  });
}

function write({ targetModules, feedforwardModules, excludeModules, modulesToSave, initIa3Weights }: IA3Config): Record<string, unknown> {
  return {
    ...defaultFields(WITHOUT_EFFECT),
    exclude_modules: nullIfEmpty(fileNames(excludeModules)),
    feedforward_modules: fileNames(feedforwardModules),
    init_ia3_weights: initIa3Weights,
    modules_to_save: nullIfEmpty(fileNames(modulesToSave)),
    target_modules: fileNames(targetModules),
  };
}
