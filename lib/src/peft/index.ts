export { AdapterState } from './adapterState';
export * from './config';
export { LoraLayer, type LoraLayerOptions } from './lora/loraLayer';
export { LoraLinear } from './lora/loraLinear';
export { LoraUpdate, type LoraUpdateOptions } from './lora/loraUpdate';
