/** LoRA and zero-init prefix attention on LLaMA-architecture models, through TensorFlow. */
export * from './io';
export * from './nn';
export * from './notebook';
export * from './peft';
export * from './runtime';
export * from './train';
