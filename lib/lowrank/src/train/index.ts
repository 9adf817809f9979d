export {
  type Checkpoint,
  type CheckpointContent,
  type CheckpointSaveOptions,
  loadCheckpoint,
  saveCheckpoint,
} from './checkpoints/checkpoint';
export type { CheckpointPlace } from './checkpoints/runCheckpoint';
export { type Batch, type PadOptions, padBatch, type TensorBatch, type TrainingExample, tensorBatch } from './data/batch';
export { type EncodedExample, type EncodeOptions, encodeExample, type TextExample, type TextPrompt } from './data/encodeExample';
export { type BatchingOptions, makeBatches } from './data/makeBatches';
export { packBatch, packRows } from './data/packing';
export type { BatchSource, DataPosition } from './data/updateBatches';
export { type EvaluateOptions, type Evaluation, evaluateLoss } from './evaluateLoss';
export { type FindLearningRateOptions, type FoundLearningRate, findLearningRate } from './findLearningRate';
export { type MethodDefaults, methodDefaults } from './methodDefaults';
export { AdamW, type AdamWOptions, type OptimizerState } from './optimizer/adamw';
export { type ClippedGradients, clipByGlobalNorm } from './optimizer/clipByGlobalNorm';
export {
  constantSchedule,
  cosineSchedule,
  type DecayOptions,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from './optimizer/schedules';
export type { EvaluationProgress, ProgressDisplay, TrainingProgress } from './progress/progressMeter';
export type { EvaluationRecord, StepRecord } from './progress/records';
export { type TerminalStream, terminalProgress } from './progress/terminalProgress';
export { type MicroBatch, type StepResult, trainStep } from './step';
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
