import * as core from 'lowrank';
import * as notebook from 'lowrank-notebook';
import * as review from 'lowrank-review';
import { expect, test } from 'vitest';

// A new name is a promise to its users: it gets its line here, or is imported past the index files.

const CORE = [
  'AbortedError',
  'AdamW',
  'AdaptionPromptConfig',
  'ArgumentError',
  'BASE_ROW',
  'CausalSelfAttention',
  'Embedding',
  'FormatError',
  'IA3Config',
  'IGNORE_INDEX',
  'KeyValueCache',
  'Linear',
  'LlamaForCausalLM',
  'LoraConfig',
  'LoraEmbedding',
  'LoraLayer',
  'LoraLinear',
  'LowrankError',
  'MLP',
  'MemoryError',
  'Module',
  'NotFiniteError',
  'PeftModel',
  'RMSNorm',
  'SetupError',
  'ShapeError',
  'StateError',
  'StorageError',
  'Tokenizer',
  'TrainingAbortedError',
  'UnsupportedError',
  'VeraConfig',
  'WorkerLostError',
  'ZeroInitPrefixAttention',
  'applyRotary',
  'causalMask',
  'clipByGlobalNorm',
  'compile',
  'constantSchedule',
  'convertPrefix',
  'convertRotaryLayout',
  'cosineSchedule',
  'countParameters',
  'crossEntropy',
  'deviceInfo',
  'encodeExample',
  'evaluateLoss',
  'exportGgufLora',
  'findCluster',
  'findLearningRate',
  'generate',
  'getPeftModel',
  'joinCluster',
  'linearSchedule',
  'llamaConfig',
  'loadCheckpoint',
  'makeBatches',
  'mergeHeads',
  'mergeReport',
  'methodDefaults',
  'padBatch',
  'peftModelFromPrefix',
  'planMemory',
  'printTrainableParameters',
  'quantizeModel',
  'readGguf',
  'readSafetensors',
  'rotaryTables',
  'saveCheckpoint',
  'scaledDotProduct',
  'splitHeads',
  'terminalProgress',
  'tf',
  'toFloat32',
  'train',
  'trainOnExamples',
  'writeSafetensors',
];

const REVIEW = [
  'bestThreshold',
  'binaryScores',
  'bleu4',
  'bootstrapInterval',
  'dataCard',
  'diffHunks',
  'diffTextLines',
  'drawExamples',
  'exactMatch',
  'fineTune',
  'hunkExample',
  'isExampleOf',
  'lintReviews',
  'loadReviewData',
  'perplexity',
  'predictReviews',
  'readExperimentConfig',
  'readReviews',
  'reviewDiff',
  'reviewPrompt',
  'runExperiment',
  'scoreReviews',
  'scoreReviewsByLanguage',
  'thresholdCurve',
  'yesProbability',
];

const NOTEBOOK = [
  'attentionMap',
  'figure',
  'groupedBars',
  'heatmaps',
  'linePlot',
  'liveLoss',
  'lossCurve',
  'lossCurves',
  'methodColor',
  'panels',
  'parameterBars',
  'pointPlot',
  'progress',
  'scorePlot',
  'show',
  'stackedBars',
  'table',
  'tradeoffBubbles',
];

test('the core exports the values listed here, and no others', () => {
  expect(Object.keys(core).sort()).toEqual(CORE);
});

test('lowrank-review exports the values listed here, and no others', () => {
  expect(Object.keys(review).sort()).toEqual(REVIEW);
});

test('lowrank-notebook exports the values listed here, and no others', () => {
  expect(Object.keys(notebook).sort()).toEqual(NOTEBOOK);
});

test('the three packages export 120 values together', () => {
  expect(CORE.length + REVIEW.length + NOTEBOOK.length).toBe(120);
});
