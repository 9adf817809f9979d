"""The base of the adapters' goldens, whose weights are those of makePeft.py."""
import json
from pathlib import Path

from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

PEFT = Path(__file__).parents[2] / "peft"


def tiny_base(tied, **fields):
    """The same tiny model every time; `fields` are further ones of its configuration."""
    config = json.loads((PEFT / "config.json").read_text()) | {"tie_word_embeddings": tied} | fields
    model = LlamaForCausalLM(LlamaConfig(**config)).eval()
    weights = load_file(PEFT / "base.safetensors")
    if tied:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights)
    return model
