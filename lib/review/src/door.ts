/** What `import 'lowrank-review'` runs: the functions of index.ts behind a check of what they are given. */
import { behindDoor } from 'lowrank/internal';
import * as review from './index';

export * from './index';

const TASK = 'task: =necessity,comment,refinement';
const HUNK =
  '{file: text, language?: text, patch: text, code: text, line: number, endLine?: number, codeStart?: number, codeLines?: number, isCut?: switch}';
const EXAMPLE = 'example: {language?: text, patch?: text, comment?: text, code?: text, markedCode?: text, refinedCode?: text}';

export const {
  bestThreshold,
  binaryScores,
  bleu4,
  bootstrapInterval,
  dataCard,
  diffHunks,
  diffTextLines,
  drawExamples,
  exactMatch,
  fineTune,
  hunkExample,
  isExampleOf,
  perplexity,
  predictReviews,
  readExperimentConfig,
  readReviews,
  reviewDiff,
  reviewPrompt,
  runExperiment,
  scoreReviews,
  scoreReviewsByLanguage,
  thresholdCurve,
  yesProbability,
} = behindDoor(review, {
  bestThreshold: ['predictions: {example: object}[]'],
  binaryScores: ['predictions: switch[]', 'labels: switch[]'],
  bleu4: ['predictions: text[]', 'references: text[]'],
  bootstrapInterval: ['examples: list'],
  dataCard: ['splits: {train: object[], validation: object[], test: object[]}'],
  diffHunks: ['lines: text[] | generator'],
  diffTextLines: ['chunks: items'],
  drawExamples: [TASK, 'examples: object[]', 'count: number'],
  exactMatch: ['predictions: text[]', 'references: text[]'],
  fineTune: [
    'model: {forward, config}',
    'tokenizer: {encode: function, eosTokenId?: number}',
    TASK,
    'data: {train: object[], validation?: object[]}',
    'options: {maxLength?: number}',
  ],
  hunkExample: [`hunk: ${HUNK}`],
  isExampleOf: [TASK, EXAMPLE],
  perplexity: ['losses: number[]', 'tokenCounts: number[]'],
  predictReviews: [
    'model: {config}',
    'tokenizer: {encode: function, decode: function, eosTokenId?: number}',
    TASK,
    'examples: object[]',
    'options?: {maxLength?: number, maxNewTokens?: number}',
  ],
  readExperimentConfig: ['path: text', 'form: text'],
  readReviews: ['path: text'],
  reviewDiff: [
    'models: object | function',
    'tokenizer: {encode: function, decode: function, eosTokenId?: number}',
    `hunks: ${HUNK}[] | generator`,
  ],
  reviewPrompt: [TASK, EXAMPLE],
  runExperiment: [
    'config: {methods: object[], tasks: text[], seeds: number[], sweep: object, examples: object}',
    'work: object | function',
  ],
  scoreReviews: [TASK, 'predictions: {example: object, text: text}[]'],
  scoreReviewsByLanguage: [TASK, 'predictions: {example: object, text: text}[]'],
  thresholdCurve: ['probabilities: number[]', 'labels: switch[]'],
  yesProbability: ['model: {config}', 'tokenizer: {encode: function}', 'prompts: {prompt: text}[]'],
});
