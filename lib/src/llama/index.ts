export { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from './config';
export { type GenerateOptions, type GeneratingModel, generate } from './generate';
export type { Rows } from './inputs';
export { KeyValueCache } from './kvCache';
export { type ForwardOptions, type InputOptions, LlamaForCausalLM } from './llamaForCausalLM';
export { LlamaDecoderLayer, LlamaModel, type LlamaModelOptions } from './model';
export type { TensorSource } from './parameters';
export { type SamplingOptions, sampleToken } from './sampling';
