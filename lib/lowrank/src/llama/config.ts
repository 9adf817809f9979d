/** The sizes and settings of a LLaMA-family model. */

import type { RopeScaling } from '../nn';
import { checkScaling } from '../nn/attention/rotary';
import { ArgumentError } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkNumber, checkOneOf } from '../runtime/checks/checkValues';
import { checkWhole } from '../runtime/checks/checkWhole';
import { checkGiven } from '../runtime/checks/door';
import { architectureOf, MODEL_TYPES, type ModelType } from './architectures';

/** Options of a model: Hugging Face's `config.json` in camelCase. The sizes are required; everything else has a default. */
export interface LlamaConfigOptions {
  /** The architecture. @defaultValue 'llama' */
  readonly modelType?: ModelType;
  /** V, the number of token ids. */
  readonly vocabSize: number;
  /** C, the width of the residual stream. */
  readonly hiddenSize: number;
  /** F, the inner width of the MLP. */
  readonly intermediateSize: number;
  readonly numHiddenLayers: number;
  /** H, the number of query heads. */
  readonly numAttentionHeads: number;
  /** K, the number of key and value heads, a divisor of H. @defaultValue `numAttentionHeads` */
  readonly numKeyValueHeads?: number;
  /** D, the width of one head. @defaultValue `hiddenSize / numAttentionHeads` */
  readonly headDim?: number;
  /** @defaultValue 1e-6 */
  readonly rmsNormEps?: number;
  /** Base of the rotary wavelengths. @defaultValue 10000 */
  readonly ropeTheta?: number;
  readonly ropeScaling?: RopeScaling;
  /** Maximum sequence length in tokens. @defaultValue 2048 */
  readonly maxPositionEmbeddings?: number;
  /** Whether the output layer shares the embedding's table. @defaultValue false */
  readonly tieWordEmbeddings?: boolean;
  /** Whether q, k, v and o have biases. Qwen2 always has them on q, k and v. @defaultValue false, for Qwen2 true */
  readonly attentionBias?: boolean;
  /** Whether gate, up and down have biases. @defaultValue false */
  readonly mlpBias?: boolean;
  /** Standard deviation of random initial weights. @defaultValue 0.02 */
  readonly initializerRange?: number;
  readonly bosTokenId?: number;
  /** The token id, or ids, that end generation. */
  readonly eosTokenId?: number | readonly number[];
  /**
   * The id before the shorter rows of `generate`, which masks it there. In rows that a caller pads, only a mask says what is padding. A
   * trained table gets no gradient for its row from the texts, as in transformers; a tied head's gradient still arrives.
   */
  readonly padTokenId?: number;
}

type Optional = 'ropeScaling' | 'bosTokenId' | 'eosTokenId' | 'padTokenId';

/** A configuration with all defaults filled in. */
export type LlamaConfig = Required<Omit<LlamaConfigOptions, Optional>> & Pick<LlamaConfigOptions, Optional>;

/** Fills in the defaults and checks that the sizes are consistent. @throws ArgumentError with the first field that is out of range. */
export function llamaConfig(options: LlamaConfigOptions): LlamaConfig {
  checkGiven('llamaConfig(options)', { options }, { options: '{hiddenSize?: number, numAttentionHeads?: number}' });
  const { hiddenSize, numAttentionHeads, modelType = 'llama' } = options;
  checkOneOf('LlamaConfig: modelType', modelType, MODEL_TYPES);
  const architecture = architectureOf({ modelType });
  const config: LlamaConfig = {
    ...options,
    modelType,
    numKeyValueHeads: options.numKeyValueHeads ?? numAttentionHeads,
    headDim: options.headDim ?? hiddenSize / numAttentionHeads,
    rmsNormEps: options.rmsNormEps ?? 1e-6,
    ropeTheta: options.ropeTheta ?? 10_000,
    maxPositionEmbeddings: options.maxPositionEmbeddings ?? 2048,
    tieWordEmbeddings: options.tieWordEmbeddings ?? false,
    attentionBias: options.attentionBias ?? architecture.attentionBias === true,
    mlpBias: options.mlpBias ?? architecture.mlpBias === true,
    initializerRange: options.initializerRange ?? 0.02,
  };
  checkConfig(config);
  return Object.freeze(config);
}

const COUNTS = [
  'vocabSize',
  'hiddenSize',
  'intermediateSize',
  'numHiddenLayers',
  'numAttentionHeads',
  'numKeyValueHeads',
  'headDim',
  'maxPositionEmbeddings',
] as const;

const FRACTIONS = ['rmsNormEps', 'ropeTheta', 'initializerRange'] as const;
const FLAGS = ['tieWordEmbeddings', 'attentionBias', 'mlpBias'] as const;
const BIASES = ['attentionBias', 'mlpBias'] as const;
const TOKENS = ['bosTokenId', 'eosTokenId', 'padTokenId'] as const;

function checkConfig(config: LlamaConfig): void {
  checkKnown('LlamaConfig', config, ['modelType', ...COUNTS, ...FRACTIONS, ...FLAGS, ...TOKENS, 'ropeScaling'], {
    numLayers: 'numHiddenLayers',
  });
  for (const field of FLAGS) checkOneOf(`LlamaConfig: ${field}`, config[field], [true, false]);
  for (const field of BIASES) checkBias(config, field);
  for (const field of TOKENS) for (const id of [config[field] ?? []].flat()) checkWhole(`LlamaConfig: ${field}`, id, 0);
  for (const field of COUNTS) checkWhole(`LlamaConfig: ${field}`, config[field]);
  for (const field of FRACTIONS) {
    checkNumber(`LlamaConfig: ${field}`, config[field]);
    if (!(config[field] > 0)) throw new ArgumentError(`LlamaConfig: ${field} ${config[field]} is not above 0`);
  }
  if (config.ropeScaling) checkScaling('LlamaConfig: ropeScaling', config.ropeScaling);
  const { numAttentionHeads: H, numKeyValueHeads: K, headDim: D } = config;
  if (H % K !== 0) throw new ArgumentError(`LlamaConfig: numAttentionHeads ${H} is not a multiple of numKeyValueHeads ${K}`);
  if (D % 2 !== 0) throw new ArgumentError(`LlamaConfig: headDim ${D} is odd; rotary embedding pairs the elements of a head`);
}

function checkBias(config: LlamaConfig, field: (typeof BIASES)[number]): void {
  const fixed = architectureOf(config)[field];
  if (fixed === 'configured' || fixed === config[field]) return;
  throw new ArgumentError(`LlamaConfig: ${field} is ${config[field]}, but of every ${config.modelType} model it is ${fixed}; leave it out`);
}
