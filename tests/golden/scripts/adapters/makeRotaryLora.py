"""Writes rotary/: a LoRA adapter of the model llama/plain whose q and k are in Meta's rotary layout, as a PEFT folder, and the logits
that Meta's way of computing gives with it: q and k in interleaved pairs, rotated as complex numbers
(https://github.com/meta-llama/llama, llama/model.py, `apply_rotary_emb`). Run after makeLlama.py, with torch 2.15 and safetensors 0.8:

    python makeRotaryLora.py
"""
import json
import pathlib

import torch
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parents[2]
CONFIG = json.loads((HERE / "llama/plain/config.json").read_text())
W = load_file(HERE / "llama/plain/model.safetensors")
H, K, C, EPS = CONFIG["num_attention_heads"], CONFIG["num_key_value_heads"], CONFIG["hidden_size"], CONFIG["rms_norm_eps"]
D = C // H
R, ALPHA = 3, 6
IDS = torch.tensor(json.loads((HERE / "llama/rows.json").read_text())["ids"])
THETA = CONFIG["rope_parameters"]["rope_theta"]


def to_meta(weight, heads):
    """The inverse of `permute` in transformers' convert_llama_weights_to_hf.py."""
    return weight.view(heads, 2, D // 2, -1).transpose(1, 2).reshape(weight.shape)


torch.manual_seed(21)
lora = {}
for layer in range(CONFIG["num_hidden_layers"]):
    for name, width in {"q_proj": H * D, "k_proj": K * D, "v_proj": K * D, "o_proj": C}.items():
        path = f"model.layers.{layer}.self_attn.{name}"
        lora[f"{path}.lora_A"] = torch.randn(R, C) * 0.2
        lora[f"{path}.lora_B"] = torch.randn(width, R) * 0.2


def linear(x, path, heads=None):
    weight = W[f"{path}.weight"]
    weight = to_meta(weight, heads) if heads else weight
    if f"{path}.lora_A" in lora:
        weight = weight + ALPHA / R * lora[f"{path}.lora_B"] @ lora[f"{path}.lora_A"]
    return x @ weight.T


def rotate(x):  # (B, T, heads, D)
    frequencies = 1.0 / THETA ** (torch.arange(0, D, 2).float() / D)
    angles = torch.outer(torch.arange(x.shape[1]).float(), frequencies)
    turn = torch.polar(torch.ones_like(angles), angles)[None, :, None, :]
    pairs = torch.view_as_complex(x.reshape(*x.shape[:-1], D // 2, 2))
    return torch.view_as_real(pairs * turn).flatten(3)


def norm(x, path):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * W[f"{path}.weight"]


def attention(x, path):
    B, T, _ = x.shape
    q = rotate(linear(x, f"{path}.q_proj", H).view(B, T, H, D))
    k = rotate(linear(x, f"{path}.k_proj", K).view(B, T, K, D)).repeat_interleave(H // K, dim=2)
    v = linear(x, f"{path}.v_proj").view(B, T, K, D).repeat_interleave(H // K, dim=2)
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / D**0.5
    scores = scores.masked_fill(torch.ones(T, T).triu(1).bool(), float("-inf"))
    return linear(torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v).reshape(B, T, H * D), f"{path}.o_proj")


x = W["model.embed_tokens.weight"][IDS]
for layer in range(CONFIG["num_hidden_layers"]):
    path = f"model.layers.{layer}"
    x = x + attention(norm(x, f"{path}.input_layernorm"), f"{path}.self_attn")
    h = norm(x, f"{path}.post_attention_layernorm")
    x = x + linear(torch.nn.functional.silu(linear(h, f"{path}.mlp.gate_proj")) * linear(h, f"{path}.mlp.up_proj"), f"{path}.mlp.down_proj")
logits = linear(norm(x, "model.norm"), "lm_head")

folder = HERE / "rotary"
folder.mkdir(exist_ok=True)
save_file({f"base_model.model.{name}.weight": tensor.contiguous() for name, tensor in lora.items()}, folder / "adapter_model.safetensors", {"format": "pt"})
config = {"peft_type": "LORA", "r": R, "lora_alpha": ALPHA, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"], "task_type": "CAUSAL_LM"}
(folder / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
save_file({"logits": logits.contiguous()}, folder / "logits.safetensors")
