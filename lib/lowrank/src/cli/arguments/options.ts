/** Options shared by several commands. */
import type { OptionSpec } from './commandSpec';

export const model: OptionSpec = { value: 'PATH', help: 'GGUF file or Hugging Face folder [the MODEL variable, else the default model]' };
export const quantize: OptionSpec = {
  value: 'FORMAT',
  help: 'store the weights as q4_1, int8 or nf4 to save memory [float32]',
  choices: ['q4_1', 'int8', 'nf4'],
};
export const json: OptionSpec = { help: 'print JSON' };
export const seed: OptionSpec = { value: 'N', help: 'random seed [0]' };
export const beams: OptionSpec = { value: 'N', help: 'number of beams; 1 turns beam search off [1]' };
export const quiet: OptionSpec = { help: 'print only warnings and errors on stderr' };
export const maxLength: OptionSpec = { value: 'N', help: 'maximum tokens per example; longer code is cut [512]' };
