"""Writes llama/: tiny random LLaMA models with grouped-query attention as transformers saves them, and what it computes with each.

Run with torch 2.15, transformers 5.23, safetensors 0.8 and gguf 0.19 installed:
    python tests/golden/scripts/models/makeLlama.py
"""
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from ggufWriter import writer_for
from randomValues import fill

HERE = pathlib.Path(__file__).parents[2] / "llama"
SIZES = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
VARIANTS = {
    "plain": dict(),
    "tied": dict(tie_word_embeddings=True, num_key_value_heads=1),
    "biased": dict(attention_bias=True, mlp_bias=True, num_key_value_heads=4),
    "linear": dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=100.0)),
    "llama3": dict(rope_parameters=LLAMA3, head_dim=8),
}
torch.manual_seed(20)
IDS = torch.randint(3, 40, (3, 24))
LABELS = IDS.clone()
LABELS[0, :5] = -100
LABELS[2, 20:] = -100
LENGTHS = [24, 13, 5]  # the rows of the padded batch, shortened from the left
MASK = torch.tensor([[int(t >= 24 - length) for t in range(24)] for length in LENGTHS])
PADDED = torch.where(MASK == 1, IDS, 0)
PROMPTS = [[1, 5, 9, 3, 17], [1, 22], [1, 12, 13, 14, 15, 16, 33, 4]]


def build(changes):
    model = LlamaForCausalLM(LlamaConfig(**{**SIZES, **changes}, attn_implementation="eager")).float().eval()
    fill(model)
    return model


def compute(model):
    model.zero_grad()
    output = model(IDS, labels=LABELS, output_attentions=True)
    output.loss.backward()
    values = {"logits": output.logits, "loss": output.loss, "padded": model(PADDED, attention_mask=MASK).logits}
    if not model.config.tie_word_embeddings and not model.config.attention_bias:
        values |= {f"attentions.{i}": weights[:1] for i, weights in enumerate(output.attentions)}
    values |= {f"gradients.{name}": parameter.grad for name, parameter in model.named_parameters()}
    return {name: value.detach().clone().contiguous() for name, value in values.items()}


def greedy(model, use_cache):
    """Ids after each prompt, alone; no id ends a row."""
    given = dict(max_new_tokens=12, do_sample=False, use_cache=use_cache, eos_token_id=None, pad_token_id=0)
    return [model.generate(torch.tensor([prompt]), **given)[0, len(prompt):].tolist() for prompt in PROMPTS]


def interleaved(weight, heads):
    """The order of rows in which llama.cpp keeps q and k (`LlamaModel.permute` of its convert_hf_to_gguf.py)."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(path, model):
    """The same model as llama.cpp's converter writes it."""
    config = model.config
    writer = writer_for(path, "llama", config)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_key_length(config.head_dim)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        values = tensor.numpy()
        if "q_proj" in name:
            values = interleaved(values, config.num_attention_heads)
        if "k_proj" in name:
            values = interleaved(values, config.num_key_value_heads)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(values))
    if config.rope_parameters["rope_type"] == "llama3":
        plain = 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, config.head_dim, 2).float() / config.head_dim)
        writer.add_tensor("rope_freqs.weight", (plain / model.model.rotary_emb.inv_freq).numpy().astype(np.float32))
    if config.rope_parameters["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config.rope_parameters["factor"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


shutil.rmtree(HERE, ignore_errors=True)
results = {}
generated = {}
for name, changes in VARIANTS.items():
    model = build(changes)
    if name == "llama3":  # stored as 16 bits, in several files; what is computed is of the rounded weights
        model = model.bfloat16()
        model.save_pretrained(HERE / name, max_shard_size="6KB")
        model = LlamaForCausalLM.from_pretrained(HERE / name, dtype=torch.float32, attn_implementation="eager").eval()
    else:
        model.save_pretrained(HERE / name)
    if name in ("biased", "linear", "llama3"):
        write_gguf(HERE / f"{name}.gguf", model)
    results |= {f"{name}.{key}": value for key, value in compute(model).items()}
    generated[name] = greedy(model, True)
    assert generated[name] == greedy(model, False), name
save_file(results, HERE / "results.safetensors")
rows = dict(ids=IDS, labels=LABELS, padded=PADDED, mask=MASK)
golden = {**{key: value.tolist() for key, value in rows.items()}, "prompts": PROMPTS, "generated": generated}
(HERE / "rows.json").write_text(json.dumps(golden) + "\n")
