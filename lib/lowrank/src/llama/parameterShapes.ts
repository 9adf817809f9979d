/** Lists the parameters of a model. */
import { architectureOf } from './architectures';
import type { LlamaConfig } from './config';

/**
 * The parameters of a configuration, one at a time in layer order: Hugging Face's name, and the shape in memory, where kernels are
 * (in, out).
 */
export function* parameterShapes(config: LlamaConfig): Generator<readonly [name: string, shape: readonly number[]]> {
  const { vocabSize: V, hiddenSize: C, tieWordEmbeddings } = config;
  yield ['model.embed_tokens.weight', [V, C]];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) yield* layerShapes(config, `model.layers.${layer}`);
  yield ['model.norm.weight', [C]];
  if (!tieWordEmbeddings) yield ['lm_head.weight', [C, V]];
}

function* layerShapes(config: LlamaConfig, path: string): Generator<readonly [string, readonly number[]]> {
  const { hiddenSize: C, intermediateSize: F, headDim: D, mlpBias } = config;
  const biased: readonly string[] = config.attentionBias ? architectureOf(config).biasedProjections : [];
  const queryWidth = config.numAttentionHeads * D;
  const keyWidth = config.numKeyValueHeads * D;
  const projections = [
    ['self_attn.q_proj', C, queryWidth, biased.includes('q_proj')],
    ['self_attn.k_proj', C, keyWidth, biased.includes('k_proj')],
    ['self_attn.v_proj', C, keyWidth, biased.includes('v_proj')],
    ['self_attn.o_proj', queryWidth, C, biased.includes('o_proj')],
    ['mlp.gate_proj', C, F, mlpBias],
    ['mlp.up_proj', C, F, mlpBias],
    ['mlp.down_proj', F, C, mlpBias],
  ] as const;
  for (const [name, I, O, hasBias] of projections) {
    yield [`${path}.${name}.weight`, [I, O]];
    if (hasBias) yield [`${path}.${name}.bias`, [O]];
  }
  yield [`${path}.input_layernorm.weight`, [C]];
  yield [`${path}.post_attention_layernorm.weight`, [C]];
}

/** Whether a parameter is a projection's kernel, which files store transposed; the table of token vectors is not. */
export function isKernel(name: string, shape: readonly number[]): boolean {
  return shape.length === 2 && name !== 'model.embed_tokens.weight';
}
