/** VeRA's keys of `adapter_config.json`. */
import type { AdapterConfigOptions } from '../config/adapterConfig';
import type { ConfigFields } from '../files/configFields';
import {
  defaultFields,
  FAN_IN_FAN_OUT,
  fileNames,
  given,
  nullIfEmpty,
  readLayers,
  readModulesToSave,
  readTargets,
  warnOfFields,
} from '../files/knownFields';
import type { ConfigFileFields } from '../method';
import { VERA_BIASES, VeraConfig } from './config';

const WITHOUT_EFFECT = { fan_in_fan_out: FAN_IN_FAN_OUT };

export const veraFields: ConfigFileFields<VeraConfig> = { read, write };

function read(fields: ConfigFields, common: Required<AdapterConfigOptions>): VeraConfig {
  warnOfFields(fields, WITHOUT_EFFECT);
  return new VeraConfig({
    ...given({
      r: fields.number('r'),
      layersToTransform: readLayers(fields),
      projectionPrngKey: fields.number('projection_prng_key'),
      saveProjection: fields.boolean('save_projection'),
      veraDropout: fields.number('vera_dropout'),
      dInitial: fields.number('d_initial'),
      initWeights: fields.boolean('init_weights'),
    }),
    targetModules: readTargets(fields),
    modulesToSave: readModulesToSave(fields),
    bias: fields.choice('bias', VERA_BIASES),
    ...common,
  });
}

function write(config: VeraConfig): Record<string, unknown> {
  return {
    ...defaultFields(WITHOUT_EFFECT),
    bias: config.bias,
    d_initial: config.dInitial,
    init_weights: config.initWeights,
    layers_pattern: null,
    layers_to_transform: config.layersToTransform ?? null,
    modules_to_save: nullIfEmpty(fileNames(config.modulesToSave)),
    projection_prng_key: config.projectionPrngKey,
    r: config.r,
    save_projection: config.saveProjection,
    target_modules: fileNames(config.targetModules),
    vera_dropout: config.veraDropout,
  };
}
