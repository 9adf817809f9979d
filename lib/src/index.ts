/** LoRA and zero-init prefix attention on LLaMA-architecture models, through TensorFlow. */
export * from './io';
export * from './llama';
export * from './nn';
export * from './notebook';
export * from './peft';
export * from './review';
export * from './runtime';
export * from './train';
