/** LoRA and zero-init prefix attention on LLaMA-architecture models, through TensorFlow. */
export * from './nn';
export * from './runtime';
export * from './train';
