/** Assembles a model's layers, asking for each parameter by Hugging Face's name. */
import { CausalSelfAttention, Embedding, Linear, MLP, type Projection, RMSNorm, TiedHead } from '../nn';
import type { tf } from '../runtime';
import type { LlamaConfig } from './config';
import { LlamaDecoderLayer, LlamaModel } from './model';

/** Gives the parameter of this name, in this shape; kernels are (in, out). */
export type ParameterSource = (name: string, shape: readonly number[]) => tf.Variable;

/** The two parts of a causal language model. */
export interface LlamaParts {
  readonly model: LlamaModel;
  readonly lmHead: Projection;
}

/** Builds the layers that the configuration describes; a tied output layer has no parameter of its own. */
export function buildLlama(config: LlamaConfig, parameter: ParameterSource): LlamaParts {
  const { vocabSize: V, hiddenSize: C, numHiddenLayers, rmsNormEps, tieWordEmbeddings } = config;
  const embedTokens = new Embedding(parameter('model.embed_tokens.weight', [V, C]));
  const layers = Array.from({ length: numHiddenLayers }, (_, i) => buildLayer(config, `model.layers.${i}`, parameter));
  const norm = new RMSNorm(parameter('model.norm.weight', [C]), rmsNormEps);
  const model = new LlamaModel({ embedTokens, layers, norm }, config);
  const lmHead = tieWordEmbeddings ? new TiedHead(embedTokens) : new Linear(parameter('lm_head.weight', [C, V]));
  return { model, lmHead };
}

function buildLayer(config: LlamaConfig, path: string, parameter: ParameterSource): LlamaDecoderLayer {
  const { hiddenSize: C, intermediateSize: F, headDim, rmsNormEps, attentionBias, mlpBias } = config;
  const queryWidth = config.numAttentionHeads * headDim;
  const keyWidth = config.numKeyValueHeads * headDim;
  const linear = (name: string, [I, O]: readonly [number, number], hasBias: boolean) => {
    const weight = parameter(`${path}.${name}.weight`, [I, O]);
    return new Linear(weight, hasBias ? parameter(`${path}.${name}.bias`, [O]) : undefined);
  };
  const norm = (name: string) => new RMSNorm(parameter(`${path}.${name}.weight`, [C]), rmsNormEps);
  return new LlamaDecoderLayer({
    selfAttn: new CausalSelfAttention(
      {
        qProj: linear('self_attn.q_proj', [C, queryWidth], attentionBias),
        kProj: linear('self_attn.k_proj', [C, keyWidth], attentionBias),
        vProj: linear('self_attn.v_proj', [C, keyWidth], attentionBias),
        oProj: linear('self_attn.o_proj', [queryWidth, C], attentionBias),
      },
      headDim,
    ),
    mlp: new MLP({
      gateProj: linear('mlp.gate_proj', [C, F], mlpBias),
      upProj: linear('mlp.up_proj', [C, F], mlpBias),
      downProj: linear('mlp.down_proj', [F, C], mlpBias),
    }),
    inputLayernorm: norm('input_layernorm'),
    postAttentionLayernorm: norm('post_attention_layernorm'),
  });
}
