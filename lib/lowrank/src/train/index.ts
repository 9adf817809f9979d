export {
  type Checkpoint,
  type CheckpointContent,
  type CheckpointSaveOptions,
  loadCheckpoint,
  saveCheckpoint,
} from './checkpoints/checkpoint';
export type { CheckpointPlace } from './checkpoints/runCheckpoint';
export type { Cluster } from './cluster/cluster';
export type { Communication } from './cluster/collectiveReduce';
export { type JoinOptions, joinCluster } from './cluster/join/joinCluster';
export type { ClusterDescription, ExplicitCluster } from './cluster/resolvers/clusterDescription';
export { type FoundCluster, findCluster } from './cluster/resolvers/findCluster';
export type { Environment } from './cluster/resolvers/resolver';
export { WorkerLostError } from './cluster/workerLostError';
export { type Batch, type PadOptions, padBatch, type TrainingExample } from './data/batch';
export {
  type EncodedExample,
  type EncodeOptions,
  encodeExample,
  type PromptTokenizer,
  type TextExample,
  type TextPrompt,
} from './data/encodeExample';
export { type BatchingOptions, makeBatches } from './data/makeBatches';
export type { TensorBatch } from './data/tensorBatch';
export type { BatchSequence, BatchSource, DataPosition } from './data/updateBatches';
export { type EvaluatedModel, type EvaluateOptions, type Evaluation, evaluateLoss } from './evaluateLoss';
export type { EvaluationPlan } from './evaluationPlan';

export { type FindLearningRateOptions, type FoundLearningRate, findLearningRate } from './findLearningRate';
export { type MethodDefaults, methodDefaults } from './methodDefaults';
export { AdamW, type AdamWOptions } from './optimizer/adamw';
export { type ClippedGradients, clipByGlobalNorm } from './optimizer/clipByGlobalNorm';
export type { OptimizerState } from './optimizer/optimizerState';
export {
  constantSchedule,
  cosineSchedule,
  type DecayOptions,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from './optimizer/schedules';
export type { EvaluationProgress, ProgressDisplay, TrainingProgress } from './progress/progressMeter';
export type { EvaluationRecord, StepRecord } from './progress/runRecords';
export { type TerminalStream, terminalProgress } from './progress/terminalProgress';
export { train } from './train';
export type { TrainableModel } from './trainableModel';
export {
  type ExampleSplits,
  type TrainOnExamplesOptions,
  type TrainOnExamplesResult,
  type TunedModel,
  trainOnExamples,
} from './trainOnExamples';
export {
  type CheckpointOptions,
  type EvaluationOptions,
  TrainingAbortedError,
  type TrainOptions,
  type TrainResult,
} from './trainOptions';
