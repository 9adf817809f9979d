/** Calls every public function of the library where there is no Node: what each does. Bundled, and run, by `everyExport.test.ts`. */
import '@tensorflow/tfjs-backend-cpu';
import * as lowrank from 'lowrank';
import { tf } from 'lowrank';
import { keptFiles } from 'lowrank/browser';

const SHAPE = {
  vocabSize: 16,
  hiddenSize: 16,
  intermediateSize: 32,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  eosTokenId: 0,
};
const EXAMPLES = [{ inputIds: [1, 2, 3, 4], labels: [1, 2, 3, 4] }];

const model = () => lowrank.LlamaForCausalLM.fromConfig(SHAPE, { seed: 1 });
const lora = (more: Partial<lowrank.LoraOptions> = {}) =>
  new lowrank.LoraConfig({ r: 2, loraAlpha: 4, targetModules: ['q_proj', 'v_proj'], ...more });
const adapted = (config: lowrank.PeftConfig = lora()) => lowrank.getPeftModel(model(), config, { seed: 1 });
const batches = () => lowrank.makeBatches(EXAMPLES, { batchSize: 1, padTokenId: 0, seed: 1 });
const trained = (own: lowrank.PeftModel, more: Partial<lowrank.TrainOptions> = {}) =>
  lowrank.train(own, batches(), { optimizer: new lowrank.AdamW({ learningRate: 0.01 }), ...more });
const quantized = (format: lowrank.QuantizedFormat) => {
  const own = model();
  lowrank.quantizeModel(own, format);
  return own;
};
const combined = (combinationType: lowrank.CombinationType) => {
  const own = adapted();
  own.addAdapter('b', lora(), { seed: 2 });
  own.addWeightedAdapter({ adapters: ['default', 'b'], weights: [1, 1], adapterName: 'c', combinationType });
};
const onExamples = (more: Partial<lowrank.TrainOnExamplesOptions>) =>
  lowrank.trainOnExamples(
    adapted(),
    { train: EXAMPLES, validation: EXAMPLES },
    { steps: 2, batchSize: 1, padTokenId: 0, learningRate: 0.01, ...more },
  );
const savedAndLoaded = async (config: lowrank.PeftConfig, folder: string) => {
  await trained(adapted(config)).then(() => adapted(config).savePretrained(folder));
  return lowrank.PeftModel.fromPretrained(model(), folder);
};

/** By the name of what is called, with words that tell several calls apart. */
export const CALLS: Readonly<Record<string, () => unknown>> = {
  writeSafetensors: () => lowrank.writeSafetensors('one.safetensors', [['one', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }]]),
  applyRotary: () => lowrank.applyRotary(tf.ones([1, 1, 3, 4]), lowrank.rotaryTables(tf.range(0, 3), { headDim: 4 })),
  causalMask: () => lowrank.causalMask(3),
  clipByGlobalNorm: () => lowrank.clipByGlobalNorm({ a: tf.ones([2]) }, 1),
  compile: () => lowrank.compile((x: tf.Tensor) => x.add(1))(tf.ones([2])),
  constantSchedule: () => lowrank.constantSchedule({ peak: 1 }),
  convertPrefix: () =>
    lowrank.convertPrefix(prefixTensors(), { from: 'huggingface', to: 'huggingface', numHiddenLayers: 2, numAttentionHeads: 4 }),
  convertRotaryLayout: () => lowrank.convertRotaryLayout(adapted(), { from: 'hf', to: 'meta' }),
  cosineSchedule: () => lowrank.cosineSchedule({ peak: 1, totalSteps: 10 }),
  countParameters: () => lowrank.countParameters(model()),
  crossEntropy: () => lowrank.crossEntropy(tf.ones([2, 4]), tf.zeros([2], 'int32')),
  deviceInfo: () => lowrank.deviceInfo(),
  encodeExample: () => lowrank.encodeExample({ encode: () => [1, 2], eosTokenId: 0 }, { prompt: 'a', response: 'b' }, { maxLength: 8 }),
  evaluateLoss: () => lowrank.evaluateLoss(model(), batches()),
  exportGgufLora: () => lowrank.exportGgufLora(adapted(), 'lora.gguf'),
  findCluster: () => lowrank.findCluster(),
  findLearningRate: () => lowrank.findLearningRate(adapted(), batches(), {}),
  generate: () => lowrank.generate(model(), [[1, 2]], { maxNewTokens: 2 }),
  'generate, sampled': () => lowrank.generate(model(), [[1, 2]], { maxNewTokens: 2, temperature: 1, topP: 0.9, seed: 1 }),
  'generate, beams': () => lowrank.generate(model(), [[1, 2]], { maxNewTokens: 2, numBeams: 2 }),
  getPeftModel: () => adapted(),
  joinCluster: () => lowrank.joinCluster(),
  linearSchedule: () => lowrank.linearSchedule({ peak: 1, totalSteps: 10 }),
  llamaConfig: () => lowrank.llamaConfig(SHAPE),
  loadCheckpoint: () => lowrank.loadCheckpoint('runs'),
  makeBatches: () => batches(),
  mergeHeads: () => lowrank.mergeHeads(tf.ones([1, 2, 3, 4])),
  mergeReport: () => lowrank.mergeReport(adapted()),
  methodDefaults: () => lowrank.methodDefaults(lora()),
  padBatch: () => lowrank.padBatch(EXAMPLES, { padTokenId: 0 }),
  peftModelFromPrefix: () => lowrank.peftModelFromPrefix(model(), prefixTensors(), { layout: 'huggingface' }),
  planMemory: () => lowrank.planMemory(lowrank.llamaConfig(SHAPE), { task: 'load' }),
  printTrainableParameters: () => lowrank.printTrainableParameters(model()),
  quantizeModel: () => quantized('int8'),
  'quantizeModel, then forward': () => quantized('nf4').forward([[1, 2]]),
  readGguf: () => lowrank.readGguf('lora.gguf'),
  readSafetensors: () => lowrank.readSafetensors('one.safetensors'),
  rotaryTables: () => lowrank.rotaryTables(tf.range(0, 3), { headDim: 4 }),
  saveCheckpoint: () => lowrank.saveCheckpoint('runs', { step: 1, state: {}, tensors: { group: { one: tf.ones([1]) } } }),
  scaledDotProduct: () => lowrank.scaledDotProduct(tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4]), tf.ones([1, 2, 3, 4])),
  splitHeads: () => lowrank.splitHeads(tf.ones([1, 3, 8]), 4),
  terminalProgress: () => trained(adapted(), { progress: lowrank.terminalProgress() }),
  toFloat32: () => lowrank.toFloat32('F32', new Uint8Array(4)),
  train: () => trained(adapted()),
  'train, resumed': () => trained(adapted(), { checkpoint: { directory: 'resumed' } }),
  trainOnExamples: () => onExamples({}),
  'trainOnExamples, with a log': () => onExamples({ log: 'log.jsonl' }),
  'PeftModel, LoRA saved and loaded': () => savedAndLoaded(lora({ useDora: true }), 'lora'),
  'PeftModel, IA3 saved and loaded': () => savedAndLoaded(new lowrank.IA3Config({}), 'ia3'),
  'PeftModel, VeRA saved and loaded': () => savedAndLoaded(new lowrank.VeraConfig({ r: 4, targetModules: ['q_proj'] }), 'vera'),
  'PeftModel, prefix saved and loaded': () => savedAndLoaded(prefix(), 'prefix'),
  'PeftModel, PiSSA': () => adapted(lora({ initLoraWeights: 'pissa' })),
  'PeftModel, OLoRA': () => adapted(lora({ initLoraWeights: 'olora' })),
  'PeftModel, combined by cat': () => combined('cat'),
  'PeftModel, combined by svd': () => combined('svd'),
  'PeftModel, merged': () => adapted().mergeAndUnload(),
  'LlamaForCausalLM, saved and loaded': () => {
    model().savePretrained('model');
    return lowrank.LlamaForCausalLM.fromPretrained('model');
  },
  'LlamaForCausalLM, from a file': () => lowrank.LlamaForCausalLM.fromPretrained('SmolLM2'),
  'Tokenizer, from a file': () => lowrank.Tokenizer.fromPretrained('SmolLM2'),
};

const prefix = () => new lowrank.AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 2 });
const prefixTensors = () => {
  const tensors: Record<string, tf.Tensor> = {};
  for (const layer of [0, 1]) {
    tensors[`base_model.model.model.layers.${layer}.self_attn.adaption_prompt`] = tf.ones([1, 4, 16]);
    tensors[`base_model.model.model.layers.${layer}.self_attn.adaption_gate`] = tf.zeros([1]);
  }
  return tensors;
};

/** What each call says where it does not work; undefined where it does. */
export async function outcomes(): Promise<Record<string, string | undefined>> {
  await tf.setBackend('cpu');
  const found: Record<string, string | undefined> = {};
  for (const [name, call] of Object.entries(CALLS)) {
    try {
      await call();
      found[name] = undefined;
    } catch (error) {
      found[name] = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  }
  return found;
}

/** The public functions, which are no classes. */
export const FUNCTIONS = Object.entries(lowrank)
  .filter(([name, value]) => typeof value === 'function' && /^[a-z]/.test(name))
  .map(([name]) => name);

export const files = () => [...keptFiles().keys()];
