export { type AdapterLoadOptions, type AdapterOptions, AdapterSet } from './adapterSet';
export { AdapterState } from './adapterState';
export type { PrefixLayout } from './adaptionPrompt/prefixLayouts';
export { SourcePrefixAttention } from './adaptionPrompt/sourcePrefixAttention';
export { type PrefixOptions, ZeroInitPrefixAttention } from './adaptionPrompt/zeroInitPrefixAttention';
export type { CombinationType, WeightedAdapterOptions } from './combine/combineAdapters';
export type { MajoritySignMethod } from './combine/taskArithmetic';
export {
  AdaptionPromptConfig,
  type AdaptionPromptOptions,
  type GateKind,
  type LoraBias,
  LoraConfig,
  type LoraInitialisation,
  type LoraOptions,
  type PeftConfig,
} from './config';
export { convertPrefix, type PrefixLoadOptions, peftModelFromPrefix, prefixTensors } from './convertPrefix';
export { exportGgufLora } from './exportGgufLora';
export { LoraEmbedding } from './lora/loraEmbedding';
export { LoraLayer, type LoraLayerOptions } from './lora/loraLayer';
export { LoraLinear } from './lora/loraLinear';
export { LoraUpdate, type LoraUpdateOptions } from './lora/loraUpdate';
export { BASE_ROW } from './lora/mixedRows';
export { MergeableAdapters, type MergeOptions } from './mergeableAdapters';
export { type MergeError, type MergeReportOptions, mergeReport } from './mergeReport';
export { type CausalModel, getPeftModel, PeftModel, type RowAdapters } from './peftModel';
export { printTrainableParameters, trainableParametersText } from './printTrainableParameters';
export { convertRotaryLayout, type RotaryConversion, type RotaryLayout, rotaryRows } from './rotaryLayout';
export type { AdapterTensor, TensorLayout } from './tuner';
