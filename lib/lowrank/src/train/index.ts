export { AdamW, type AdamWOptions, type OptimizerState } from './adamw';
export { type Batch, type Example, type PadOptions, padBatch, type TensorBatch, tensorBatch } from './batch';
export { type BatchingOptions, makeBatches } from './batches';
export { type Checkpoint, type CheckpointContent, type CheckpointSaveOptions, loadCheckpoint, saveCheckpoint } from './checkpoint';
export { type ClippedGradients, clipByGlobalNorm } from './clipByGlobalNorm';
export { type EncodedExample, type EncodeOptions, encodeExample, type TextExample, type TextPrompt } from './encodeExample';
export { type EvaluateOptions, type Evaluation, evaluateLoss } from './evaluateLoss';
export { type FindLearningRateOptions, type FoundLearningRate, findLearningRate } from './findLearningRate';
export { type MethodDefaults, methodDefaults } from './methodDefaults';
export { packBatch, packRows } from './packing';
export type { EvaluationProgress, ProgressDisplay, TrainingProgress } from './progress';
export type { EvaluationRecord, StepRecord } from './runRecords';
export type { CheckpointPlace } from './savedRun';
export { constantSchedule, cosineSchedule, type DecayOptions, linearSchedule, type Schedule, type ScheduleOptions } from './schedules';
export { type MicroBatch, type StepResult, trainStep } from './step';
export { type TerminalStream, terminalProgress } from './terminalProgress';
export {
  type CheckpointOptions,
  type EvaluationOptions,
  TrainingAbortedError,
  type TrainOptions,
  type TrainResult,
  train,
} from './train';
export type { TrainableModel } from './trainableModel';
export type { EvaluationPlan } from './trainingRun';
export { type ExampleSplits, type TrainOnExamplesOptions, type TrainOnExamplesResult, trainOnExamples } from './trainOnExamples';
export type { BatchSource, DataPosition } from './updateWindows';
