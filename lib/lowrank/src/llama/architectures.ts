/**
 * The differences between architectures, one row each. No other file tells architectures apart. `docs/adding-an-architecture.md` shows
 * how to add a row.
 */
import type { JsonObject } from '../io';

type AttentionProjection = 'q_proj' | 'k_proj' | 'v_proj' | 'o_proj';

/** How an architecture differs from the others built from the layers of `nn/`. */
export interface Architecture {
  /** Hugging Face's class name, as in `architectures` of `config.json`. */
  readonly className: string;
  /** llama.cpp's name: `general.architecture` in a GGUF file, and the prefix of its size keys. */
  readonly gguf: string;
  /** Whether q and k in a GGUF file pair rows 2i and 2i + 1 of a head for the rotation, instead of i and i + D/2. */
  readonly ggufPairsNeighbours: boolean;
  /** llama.cpp's tensor names by Hugging Face's, within a layer and at both ends of the model. */
  readonly ggufNames: { readonly layer: ReadonlyMap<string, string>; readonly ends: ReadonlyMap<string, string> };
  /** Whether the attention has biases: fixed for all models, or set in the configuration. */
  readonly attentionBias: boolean | 'configured';
  /** The projections that have these biases. */
  readonly biasedProjections: readonly AttentionProjection[];
  /** Whether gate, up and down have biases. */
  readonly mlpBias: boolean | 'configured';
  /** The names of SiLU in `hidden_act` of `config.json`. */
  readonly activations: readonly unknown[];
  /** transformers' defaults for fields missing from `config.json`, where they differ from those of {@link llamaConfig}. */
  readonly configDefaults: JsonObject;
  /** Fields that `config.json` must set, because transformers' default for them computes something else. */
  readonly configWritten: JsonObject;
  /** The smallest attention window of any layer according to `config.json`; undefined when all layers attend to all tokens. */
  readonly slidingWindow: (config: JsonObject) => number | undefined;
}

const GGUF_NAMES: Architecture['ggufNames'] = {
  layer: new Map([
    ['self_attn.q_proj', 'attn_q'],
    ['self_attn.k_proj', 'attn_k'],
    ['self_attn.v_proj', 'attn_v'],
    ['self_attn.o_proj', 'attn_output'],
    ['mlp.gate_proj', 'ffn_gate'],
    ['mlp.up_proj', 'ffn_up'],
    ['mlp.down_proj', 'ffn_down'],
    ['input_layernorm', 'attn_norm'],
    ['post_attention_layernorm', 'ffn_norm'],
  ]),
  ends: new Map([
    ['model.embed_tokens', 'token_embd'],
    ['model.norm', 'output_norm'],
    ['lm_head', 'output'],
  ]),
};

/** The architectures, by `model_type` in `config.json`. */
export const ARCHITECTURES = {
  /** LLaMA 1 to 3: Touvron et al. 2023, arXiv 2302.13971. */
  llama: {
    className: 'LlamaForCausalLM',
    gguf: 'llama',
    ggufPairsNeighbours: true,
    ggufNames: GGUF_NAMES,
    attentionBias: 'configured',
    biasedProjections: ['q_proj', 'k_proj', 'v_proj', 'o_proj'],
    mlpBias: 'configured',
    activations: ['silu', 'swish'],
    configDefaults: {},
    configWritten: {},
    slidingWindow: () => undefined, // transformers' LLaMA has none, whatever the file says
  },
  /** Jiang et al. 2023, arXiv 2310.06825: LLaMA whose layers may all see a window only. llama.cpp calls it LLaMA. */
  mistral: {
    className: 'MistralForCausalLM',
    gguf: 'llama',
    ggufPairsNeighbours: true,
    ggufNames: GGUF_NAMES,
    attentionBias: false,
    biasedProjections: [],
    mlpBias: false,
    activations: ['silu', 'swish'],
    configDefaults: { max_position_embeddings: 131_072, num_key_value_heads: 8, sliding_window: 4096 },
    configWritten: { sliding_window: null },
    slidingWindow: ({ sliding_window: window }) => (window === null ? undefined : Number(window)),
  },
  /** Yang et al. 2024, arXiv 2407.10671; Qwen2.5 is the same. */
  qwen2: {
    className: 'Qwen2ForCausalLM',
    gguf: 'qwen2',
    ggufPairsNeighbours: false,
    ggufNames: GGUF_NAMES,
    attentionBias: true,
    biasedProjections: ['q_proj', 'k_proj', 'v_proj'],
    mlpBias: false,
    activations: ['silu', 'swish'],
    configDefaults: { max_position_embeddings: 32_768, num_key_value_heads: 32 },
    configWritten: {},
    slidingWindow: qwen2Window,
  },
} as const satisfies Readonly<Record<string, Architecture>>;

/** The name of an architecture: `model_type` in `config.json`. */
export type ModelType = keyof typeof ARCHITECTURES;

export const MODEL_TYPES = Object.keys(ARCHITECTURES) as readonly ModelType[];

export function architectureOf({ modelType }: { readonly modelType: ModelType }): Architecture {
  return ARCHITECTURES[modelType];
}

/** The first architecture that satisfies the predicate. */
export function modelTypeWhere(accepts: (architecture: Architecture, modelType: ModelType) => boolean): ModelType | undefined {
  return MODEL_TYPES.find((modelType) => accepts(ARCHITECTURES[modelType], modelType));
}

/** Layers from `max_window_layers` up have a window, unless `layer_types` decides; without `use_sliding_window`, no layer has one. */
function qwen2Window(config: JsonObject): number | undefined {
  const { use_sliding_window: isUsed, sliding_window: window = 4096, max_window_layers: first = 28, layer_types: types } = config;
  if (Array.isArray(types) ? !types.includes('sliding_attention') : !isUsed || window === null) return undefined;
  if (!Array.isArray(types) && Number(first) >= Number(config.num_hidden_layers)) return undefined;
  return isUsed && window !== null ? Number(window) : 0;
}
