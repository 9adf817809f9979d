/** Options that several commands have. */
import type { OptionSpec } from './command';

export const model: OptionSpec = { value: 'PATH', help: 'GGUF file or Hugging Face folder [MODEL, else the model of the set-up]' };
export const quantize: OptionSpec = { value: 'FORMAT', help: 'hold the weights in q4_1, int8 or nf4: less memory [as float32]' };
export const json: OptionSpec = { help: 'print JSON' };
export const seed: OptionSpec = { value: 'N', help: 'random seed [0]' };
export const beams: OptionSpec = { value: 'N', help: 'beams of the search; 1 decodes greedily [1]' };
export const quiet: OptionSpec = { help: 'only warnings and errors on stderr' };
export const maxLength: OptionSpec = { value: 'N', help: 'maximum tokens per example; longer code is cut [512]' };
