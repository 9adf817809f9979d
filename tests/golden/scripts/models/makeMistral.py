"""Writes mistral/: a tiny random Mistral model as transformers saves it, without a window, and what transformers computes with it.

Run with torch 2.15, transformers 5.23 and safetensors 0.8 installed:
    python tests/golden/scripts/models/makeMistral.py
"""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import MistralConfig, MistralForCausalLM

HERE = pathlib.Path(__file__).parents[2] / "mistral"
SIZES = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
    max_position_embeddings=64, rms_norm_eps=1e-6, bos_token_id=1, eos_token_id=2, pad_token_id=0, sliding_window=None,
)
rows = json.loads((pathlib.Path(__file__).parents[2] / "llama").joinpath("rows.json").read_text())

torch.manual_seed(22)
model = MistralForCausalLM(MistralConfig(**SIZES, attn_implementation="eager")).float().eval()
with torch.no_grad():
    for name, parameter in model.named_parameters():
        parameter.copy_(torch.randn_like(parameter) * (0.1 if "norm" in name else 0.35) + ("norm" in name))
model.save_pretrained(HERE)
with torch.no_grad():
    logits = model(input_ids=torch.tensor(rows["ids"])).logits
    padded = model(input_ids=torch.tensor(rows["padded"]), attention_mask=torch.tensor(rows["mask"])).logits
save_file({"logits": logits.contiguous(), "padded": padded.contiguous()}, HERE / "results.safetensors")
