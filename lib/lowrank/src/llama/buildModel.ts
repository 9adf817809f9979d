/** Builds a model's layers from parameters with Hugging Face's names. */
import {
  CausalSelfAttention,
  Embedding,
  Linear,
  MLP,
  type Projection,
  QuantizedEmbedding,
  QuantizedLinear,
  QuantizedRows,
  QuantizedWeight,
  RMSNorm,
  TiedHead,
  type TokenTable,
} from '../nn';
import { StateError, tf } from '../runtime';
import type { LlamaConfig } from './config';
import type { Parameter } from './files/parameterReader';
import { LlamaDecoderLayer, LlamaModel } from './model';

/** A model's parameters by Hugging Face's names; kernels are (in, out), or packed. */
export type Parameters = ReadonlyMap<string, Parameter>;

/** The two parts of a causal language model. */
export interface LlamaParts {
  readonly model: LlamaModel;
  readonly lmHead: Projection;
}

/** Builds the layers of a configuration. A tied output layer has no parameter of its own. */
export function buildModel(config: LlamaConfig, parameters: Parameters): LlamaParts {
  const { numHiddenLayers, rmsNormEps, tieWordEmbeddings, padTokenId, vocabSize } = config;
  const paddingIdx = padTokenId !== undefined && padTokenId < vocabSize ? padTokenId : undefined;
  const embedTokens = embedding(parameter(parameters, 'model.embed_tokens.weight'), paddingIdx);
  const layers = Array.from({ length: numHiddenLayers }, (_, i) => buildLayer(config, `model.layers.${i}`, parameters));
  const norm = new RMSNorm(variable(parameters, 'model.norm.weight'), rmsNormEps);
  const model = new LlamaModel({ embedTokens, layers, norm }, config);
  return { model, lmHead: tieWordEmbeddings ? new TiedHead(embedTokens) : projection(parameters, 'lm_head') };
}

function buildLayer({ headDim, rmsNormEps }: LlamaConfig, path: string, parameters: Parameters): LlamaDecoderLayer {
  const linear = (name: string) => projection(parameters, `${path}.${name}`);
  const norm = (name: string) => new RMSNorm(variable(parameters, `${path}.${name}.weight`), rmsNormEps);
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

function projection(parameters: Parameters, name: string): Projection {
  const weight = parameter(parameters, `${name}.weight`);
  const bias = parameters.has(`${name}.bias`) ? variable(parameters, `${name}.bias`) : undefined;
  return weight instanceof QuantizedWeight ? new QuantizedLinear(weight, bias) : new Linear(weight, bias);
}

function embedding(weight: Parameter, paddingIdx: number | undefined): TokenTable {
  if (weight instanceof tf.Variable) return new Embedding(weight, paddingIdx);
  if (weight instanceof QuantizedRows) return new QuantizedEmbedding(weight, paddingIdx);
  throw new StateError(`a table of token vectors cannot be kept as ${weight.format}, whose rows cannot be told apart`);
}

function variable(parameters: Parameters, name: string): tf.Variable {
  const given = parameter(parameters, name);
  if (given instanceof tf.Variable) return given;
  throw new StateError(`the parameter '${name}' cannot be kept as ${given.format}`);
}

function parameter(parameters: Parameters, name: string): Parameter {
  const given = parameters.get(name);
  if (!given) throw new StateError(`the parameter '${name}' was not made`);
  return given;
}
