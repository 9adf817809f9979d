/** What the packages beside this one need of it and users do not: no promise that it stays. */

export type { Command, CommandSpec, OptionSpec } from './cli/command';
export { CommandArguments } from './cli/commandArguments';
export { loadMethodOptions, trainNotes, trainOptions } from './cli/commands';
export { defaultModelPath } from './cli/defaultModel';
export { isAdapter, openModel } from './cli/openModel';
export { beams, json, maxLength, model, quantize, quiet } from './cli/options';
export { ProgressLine } from './cli/progressLine';
export type { Streams } from './cli/streams';
export { run as trainOnTexts } from './cli/train';
export { trainAdapter } from './cli/trainAdapter';
export { UsageError } from './cli/usageError';
export { version } from './cli/version';
export { fileFault, isJsonObject, isLfsPointer, LFS_REMEDY, namesIn, pathKind, readJsonFile, writeTextAtomic } from './io';
export { type ByteLine, byteLines } from './io/byteLines';
export { LARGEST_RECORD, type TextLine, textLines, utf8Text } from './io/textLines';
export { readAdapterConfig } from './peft/files/adapterConfigFile';
export { normalVariable } from './peft/initialValues';
export { configOf, methods, type PeftOptions } from './peft/methods';
export { deriveSeed, deviceName, seededRandom, shuffled } from './runtime';
export { checkWhole } from './runtime/checkWhole';
export { chunks } from './runtime/chunks';
export { interruptible } from './runtime/interruptible';
export { printable, printableJson, printableMessage } from './runtime/printable';
export { reasonOf } from './runtime/reasonOf';
export { duration } from './runtime/statusLine';
export { warn } from './runtime/warn';
export { encodeExamples, encodePrompt, type PromptTokenizer } from './train/encodeExample';
