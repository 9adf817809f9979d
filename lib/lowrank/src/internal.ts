/** For the packages beside this one. Not public: it may change at any time. */

export { CommandArguments } from './cli/arguments/commandArguments';
export type { OptionSpec } from './cli/arguments/commandSpec';
export type { Command } from './cli/command';
export type { SharedOptions } from './cli/commands/commands';
export { run as trainOnTexts } from './cli/commands/train';
export { defaultModelPath } from './cli/defaultModel';
export { checkModel, isAdapter, openModel } from './cli/openModel';
export { ProgressLine } from './cli/progressLine';
export type { Streams } from './cli/streams';
export { trainAdapter } from './cli/trainAdapter';
export { UsageError } from './cli/usageError';
export { endWithLauncher } from './cli/workers/endWithLauncher';
export { joinedCluster } from './cli/workers/joinedCluster';
export { checkWorkers, withoutOptions } from './cli/workers/launchWorkers';
export { endBy, runLocalProcesses } from './cli/workers/localProcesses';
export { manyWorkers } from './cli/workers/manyWorkers';
export {
  fileFault,
  isCode,
  isJsonObject,
  isLfsPointer,
  type JsonObject,
  LFS_REMEDY,
  makeFolder,
  namesIn,
  pathKind,
  readJsonFile,
  stageFile,
  writeTextAtomic,
} from './io';
export { byteLines } from './io/byteLines';
export { lockRun } from './io/runLock';
export { sha256 } from './io/sha256';
export { storingIn } from './io/storingIn';
export { LARGEST_RECORD, type TextLine, textLines, utf8Text } from './io/textLines';
export { leftMask, padLeft } from './llama/generation/padLeft';
export { sharedLength } from './llama/generation/sharedLength';
export { workPlan } from './llama/memory/memoryPlan';
export { paddingMask, swiglu } from './nn';
export { readAdapterConfig } from './peft/files/adapterConfigFile';
export { holdAdapters } from './peft/holdAdapters';
export { normalVariable } from './peft/initialValues';
export { singularValues } from './peft/lora/linearAlgebra';
export { configOf, methods, type PeftOptions } from './peft/methods';
export { deriveSeed, deviceName, seededRandom, shuffled } from './runtime';
export { checkKnown, nearestName } from './runtime/checks/checkKnown';
export { checkOneOf } from './runtime/checks/checkValues';
export { checkWhole } from './runtime/checks/checkWhole';
export { behindDoor, checkGiven } from './runtime/checks/door';
export { givenGpus } from './runtime/device/oneGpu';
export { groupsByLength } from './runtime/groupsByLength';
export { interruptible } from './runtime/interruptible';
export { printable, printableJson, printableMessage } from './runtime/messages/printable';
export { reasonOf } from './runtime/messages/reasonOf';
export { counted, duration } from './runtime/messages/statusLine';
export { warn } from './runtime/messages/warn';
export { version } from './runtime/version';
export { weightedMean } from './runtime/weightedMean';
export { modelFacts } from './train/cluster/join/runFacts';
export { shareOut } from './train/cluster/shareOut';
export { encodeExamples, encodePrompt, type PromptTokenizer } from './train/data/encodeExample';
export { packBatch, packRows } from './train/data/packing';
export { tensorBatch } from './train/data/tensorBatch';
export { TRAINING_OPTIONS } from './train/trainOnExamples';
