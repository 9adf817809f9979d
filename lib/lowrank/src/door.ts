/** What `import 'lowrank'` runs: the functions of index.ts behind a check of what they are given. */
import * as lowrank from './index';
import { DTYPES } from './io/dtypes';
import { LlamaDecoderLayer, LlamaModel } from './llama/model';
import { behindDoor, guardMethods } from './runtime/checks/door';

export * from './index';

const LAYOUT = '=huggingface,opengvlab,lit';

export const {
  applyRotary,
  causalMask,
  clipByGlobalNorm,
  compile,
  constantSchedule,
  convertPrefix,
  convertRotaryLayout,
  cosineSchedule,
  countParameters,
  crossEntropy,
  encodeExample,
  evaluateLoss,
  exportGgufLora,
  findLearningRate,
  generate,
  getPeftModel,
  linearSchedule,
  llamaConfig,
  loadCheckpoint,
  makeBatches,
  mergeHeads,
  mergeReport,
  methodDefaults,
  padBatch,
  peftModelFromPrefix,
  planMemory,
  printTrainableParameters,
  quantizeModel,
  readGguf,
  readSafetensors,
  rotaryTables,
  saveCheckpoint,
  scaledDotProduct,
  splitHeads,
  toFloat32,
  train,
  trainOnExamples,
  writeSafetensors,
} = behindDoor(lowrank, {
  applyRotary: ['x: tensor', 'tables: {cos: tensor, sin: tensor}'],
  causalMask: ['queries: number', 'keys?: number'],
  clipByGlobalNorm: ['gradients: tensors', 'maxNorm: number'],
  compile: ['fn: function', 'options?: {name?: text}'],
  constantSchedule: ['options: {peak?: number}'],
  convertPrefix: ['tensors: tensors', `options: {from?: ${LAYOUT}, to?: ${LAYOUT}, numHiddenLayers?: number, numAttentionHeads?: number}`],
  convertRotaryLayout: ['model: {namedModules, peftConfig}', 'conversion: object'],
  cosineSchedule: ['options: {peak?: number, totalSteps?: number, floor?: number}'],
  countParameters: ['module: {namedModules}'],
  crossEntropy: ['logits: tensor', 'labels: tensor'],
  encodeExample: [
    'tokenizer: {encode: function, eosTokenId?: number}',
    'example: {prompt: text, response: text}',
    'options: {maxLength?: number}',
  ],
  evaluateLoss: ['model: {loss}', 'batches: object[] | generator', 'options?: {compile?: switch}'],
  exportGgufLora: ['model: {adapterTensors}', 'path: text'],
  findLearningRate: ['model: {loss, trainableParameters}', 'batches: items | function'],
  generate: ['model: {forward, config}', 'inputIds: list | tensor'],
  getPeftModel: ['model: {namedModules}', 'config: object', 'options?: object'],
  linearSchedule: ['options: {peak?: number, totalSteps?: number}'],
  llamaConfig: ['options: object'],
  loadCheckpoint: ['directory: text'],
  makeBatches: [
    'examples: {inputIds: list, labels: list}[] | generator',
    'options: {padTokenId?: number, epoch?: number, bucketByLength?: switch}',
  ],
  mergeHeads: ['heads: tensor'],
  mergeReport: ['model: {peftConfig}'],
  methodDefaults: ['config: object'],
  padBatch: ['examples: {inputIds: list, labels: list}[]', 'options: {padTokenId?: number}'],
  peftModelFromPrefix: ['model: {namedModules}', 'tensors: tensors', `options: {layout?: ${LAYOUT}}`],
  planMemory: [
    'model: object',
    'options: {task?: text, batchSize?: number, sequenceLength?: number, logitsToKeep?: number, maxNewTokens?: number, numBeams?: number, trainableParameters?: number, firstTrainedLayer?: number, compile?: switch, gradientCheckpointing?: switch, precision?: =float32,bfloat16, device?: =CPU,GPU, dtype??: =float32,bfloat16, quantize??: =int8,nf4,q4_1}',
  ],
  printTrainableParameters: ['module: {namedModules}'],
  quantizeModel: ['model: {namedModules}', 'format: text'],
  readGguf: ['path: text'],
  readSafetensors: ['path: text', 'options?: object'],
  rotaryTables: ['positions: tensor', 'options: {headDim?: number}'],
  saveCheckpoint: ['directory: text', 'content: {step: number, tensors: object}'],
  scaledDotProduct: ['q: tensor', 'k: tensor', 'v: tensor'],
  splitHeads: ['x: tensor', 'headDim: number'],
  toFloat32: [`dtype: =${Object.keys(DTYPES)}`, 'bytes: bytes'],
  train: ['model: {loss, trainableParameters}', 'batches: items | function', 'options?: {compile?: switch, maxGradNorm?: number}'],
  trainOnExamples: [
    'model: {loss, trainableParameters}',
    'splits: {train: {inputIds: list, labels: list}[], validation?: {inputIds: list, labels: list}[]}',
    'options: {compile?: switch, padTokenId?: number, learningRate?: number}',
  ],
  writeSafetensors: ['path: text', 'tensors: list[] | generator'],
});

const CONTEXT = 'context: {rotary: {cos: tensor, sin: tensor}, mask: tensor, hides?: =later,laterAndOthers}';
const ROTARY = 'rotary: {cos: tensor, sin: tensor}';
const MASKS = 'options?: {attentionMask??: list | tensor, segmentIds??: list | tensor}';
const ROWS = 'options?: {adapterNames??: text[]}';
const MERGE = 'options?: {adapterNames?: text[], safeMerge?: switch, onProgress?: function}';
const FORWARD = { forward: ['x: tensor'] } as const;

// Once, on the classes themselves: what the library itself calls passes here too, at 0.1 to 0.6 µs a call.
guardMethods('Module', lowrank.Module.prototype, {
  namedModules: ['prefix?: text'],
  namedParameters: ['prefix?: text'],
  replaceModule: ['path: text'],
});
guardMethods('Linear', lowrank.Linear.prototype, FORWARD);
guardMethods('RMSNorm', lowrank.RMSNorm.prototype, FORWARD);
guardMethods('MLP', lowrank.MLP.prototype, FORWARD);
guardMethods('LoraLinear', lowrank.LoraLinear.prototype, FORWARD);
guardMethods('LoraLayer', lowrank.LoraLayer.prototype, { addAdapter: ['name: text', 'options: object', 'given?: object'] });
guardMethods('Embedding', lowrank.Embedding.prototype, { forward: ['ids: tensor'], scores: ['x: tensor'] });
guardMethods('LoraEmbedding', lowrank.LoraEmbedding.prototype, { forward: ['ids: tensor'] });
guardMethods('CausalSelfAttention', lowrank.CausalSelfAttention.prototype, {
  forward: ['x: tensor', CONTEXT],
  queries: ['x: tensor', ROTARY],
  keys: ['x: tensor', 'rotary?: {cos: tensor, sin: tensor}'],
  values: ['x: tensor'],
  attend: ['queries: tensor', 'x: tensor', CONTEXT],
  output: ['heads: tensor'],
});
guardMethods('ZeroInitPrefixAttention', lowrank.ZeroInitPrefixAttention.prototype, { forward: ['x: tensor', CONTEXT] });
guardMethods('LlamaModel', LlamaModel.prototype, { forward: ['ids: tensor', 'options?: object'] });
guardMethods('LlamaDecoderLayer', LlamaDecoderLayer.prototype, { forward: ['x: tensor', CONTEXT] });
guardMethods('KeyValueCache', lowrank.KeyValueCache.prototype, {
  layer: ['index: number'],
  selectRows: ['rows: number[]'],
});
guardMethods('LlamaForCausalLM', lowrank.LlamaForCausalLM, {
  fromConfig: ['options: object', 'given?: object'],
  fromTensors: ['config: object', 'source?: anything', 'options?: {dtype??: =float32,bfloat16}'],
  fromPretrained: ['path: text', 'options?: {dtype??: =float32,bfloat16, quantize??: =int8,nf4,q4_1}'],
});
// Parameters that are undefined here are checked where they are used.
guardMethods('LlamaForCausalLM', lowrank.LlamaForCausalLM.prototype, {
  savePretrained: ['folder: text', 'options?: {maxShardSize?: number}'],
  resizeTokenEmbeddings: ['vocabSize: number', 'options?: object'],
  forward: [undefined, MASKS],
  loss: [undefined, undefined, MASKS],
  generate: [undefined, 'options?: object'],
  attentions: [undefined, MASKS],
});
guardMethods('PeftModel', lowrank.PeftModel.prototype, {
  adapterTensors: ['name: text'],
  addAdapter: [undefined, 'config: object', 'options?: object'],
  loadAdapter: ['folder: text', 'options?: {adapterName?: text}'],
  savePretrained: ['folder: text', 'options?: {selectedAdapters?: text[]}'],
  hotswapAdapter: ['source: text | object', 'options?: {adapterName?: text}'],
  setAdapter: ['names: text | text[]'],
  deleteAdapter: ['name: text'],
  addWeightedAdapter: [
    'options: {adapterName?: text, adapters?: text[], weights?: number[], combinationType?: text, svdRank?: number, density?: number, majoritySignMethod?: =total,frequency}',
  ],
  mergeAdapter: [MERGE],
  mergeAndUnload: [MERGE],
  forward: ['inputIds: anything', ROWS],
  loss: ['inputIds: anything', 'labels: anything', 'options?: object'],
  generate: ['inputIds: anything', ROWS],
  attentions: ['inputIds: anything', 'options?: object'],
  disableAdapter: ['fn: function'],
});
guardMethods('AdamW', lowrank.AdamW.prototype, {
  learningRateAt: ['updates: number'],
  applyGradients: ['grads: tensors', 'parameters?: list[] | generator'],
  prepare: ['parameters: list[] | generator'],
  coefficients: ['begun?: number'],
  updated: ['grads: tensors', 'parameters: {get: function}', 'inputs: {coefficients: tensor, allFinite?: tensor}'],
  restore: ['state: {step: number, tensors: tensors}'],
});
guardMethods('Tokenizer', lowrank.Tokenizer, { fromPretrained: ['path: text'] });
guardMethods('Tokenizer', lowrank.Tokenizer.prototype, {
  encode: [undefined, 'options?: {addSpecialTokens?: switch}'],
  decode: [undefined, 'options?: {skipSpecialTokens?: switch}'],
  idToToken: ['id: number'],
  tokenToId: ['token: text'],
  applyChatTemplate: [undefined, 'options?: {addGenerationPrompt?: switch}'],
  savePretrained: ['folder: text'],
});
