/** Assembles a model's layers from parameters by Hugging Face's names. */
import { CausalSelfAttention, Embedding, Linear, MLP, type Projection, RMSNorm, TiedHead } from '../nn';
import { StateError, type tf } from '../runtime';
import type { LlamaConfig } from './config';
import { LlamaDecoderLayer, LlamaModel } from './model';

/** A model's parameters by Hugging Face's names, kernels as (in, out). */
export type Parameters = ReadonlyMap<string, tf.Variable>;

/** The two parts of a causal language model. */
export interface LlamaParts {
  readonly model: LlamaModel;
  readonly lmHead: Projection;
}

/** Builds the layers that the configuration describes; a tied output layer has no parameter of its own. */
export function buildLlama(config: LlamaConfig, parameters: Parameters): LlamaParts {
  const { numHiddenLayers, rmsNormEps, tieWordEmbeddings } = config;
  const embedTokens = new Embedding(parameter(parameters, 'model.embed_tokens.weight'));
  const layers = Array.from({ length: numHiddenLayers }, (_, i) => buildLayer(config, `model.layers.${i}`, parameters));
  const norm = new RMSNorm(parameter(parameters, 'model.norm.weight'), rmsNormEps);
  const model = new LlamaModel({ embedTokens, layers, norm }, config);
  return { model, lmHead: tieWordEmbeddings ? new TiedHead(embedTokens) : projection(parameters, 'lm_head') };
}

function buildLayer({ headDim, rmsNormEps }: LlamaConfig, path: string, parameters: Parameters): LlamaDecoderLayer {
  const linear = (name: string) => projection(parameters, `${path}.${name}`);
  const norm = (name: string) => new RMSNorm(parameter(parameters, `${path}.${name}.weight`), rmsNormEps);
  return new LlamaDecoderLayer({
    selfAttn: new CausalSelfAttention(
      {
        qProj: linear('self_attn.q_proj'),
        kProj: linear('self_attn.k_proj'),
        vProj: linear('self_attn.v_proj'),
        oProj: linear('self_attn.o_proj'),
      },
      headDim,
    ),
    mlp: new MLP({ gateProj: linear('mlp.gate_proj'), upProj: linear('mlp.up_proj'), downProj: linear('mlp.down_proj') }),
    inputLayernorm: norm('input_layernorm'),
    postAttentionLayernorm: norm('post_attention_layernorm'),
  });
}

function projection(parameters: Parameters, name: string): Linear {
  return new Linear(parameter(parameters, `${name}.weight`), parameters.get(`${name}.bias`));
}

function parameter(parameters: Parameters, name: string): tf.Variable {
  const variable = parameters.get(name);
  if (!variable) throw new StateError(`the parameter '${name}' was not made`);
  return variable;
}
