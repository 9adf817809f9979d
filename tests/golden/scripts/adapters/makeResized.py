"""Makes tests/golden/resized: adapters that PEFT saves after resize_token_embeddings, and what PEFT computes with them.

Needs torch, transformers, peft 0.21.0 and safetensors; the base is that of makePeft.py with three tokens more. Run it from
anywhere: PYTHONHASHSEED=0 python tests/golden/scripts/adapters/makeResized.py
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from peft import AdaptionPromptConfig, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaForCausalLM

from stir import stir
from tinyBase import tiny_base

HERE = Path(__file__).parents[2] / "resized"
IDS = torch.tensor([[1, 5, 9, 40, 17, 30, 42], [1, 22, 41, 39, 11, 6, 7]])
# tied, save_embedding_layers, configuration
CASES = {
    "tied": (True, "auto", {}),
    "tiedTable": (True, "auto", {"target_modules": ["q_proj", "embed_tokens"]}),
    "tiedHead": (True, "auto", {"target_modules": ["q_proj", "lm_head"]}),
    "tiedSavedHead": (True, "auto", {"modules_to_save": ["lm_head"]}),
    "tiedSavedTable": (True, "auto", {"modules_to_save": ["embed_tokens"]}),
    "tiedTokens": (True, "auto", {"trainable_token_indices": [3, 41]}),
    "tiedHeadTokens": (True, "auto", {"trainable_token_indices": {"lm_head": [3, 41]}}),
    "tiedPrompt": (True, "auto", None),
    "untied": (False, "auto", {}),
    "untiedBoth": (False, "auto", {"target_modules": ["q_proj", "embed_tokens", "lm_head"]}),
    "untiedSavedHead": (False, "auto", {"modules_to_save": ["lm_head"]}),
    "untiedTokens": (False, "auto", {"trainable_token_indices": [3, 41]}),
    "untiedAsked": (False, True, {}),
    "tiedRefused": (True, False, {"modules_to_save": ["embed_tokens", "lm_head"]}),
}


def base(folder, tied):
    """The same tiny model every time, at a path, because PEFT compares the vocabulary with the one that it finds there."""
    tiny_base(tied).save_pretrained(folder)
    model = LlamaForCausalLM.from_pretrained(folder).eval()
    torch.manual_seed(2)
    model.resize_token_embeddings(43, mean_resizing=False)
    return model


def main():
    results = {}
    for case, (tied, save, options) in CASES.items():
        with tempfile.TemporaryDirectory() as place:
            model = base(place, tied)
            if options is None:
                config = AdaptionPromptConfig(adapter_len=4, adapter_layers=2, task_type="CAUSAL_LM")
            else:
                config = LoraConfig(**({"r": 2, "target_modules": ["q_proj"]} | options))
            model = get_peft_model(model, config)
            stir(model)
            folder = HERE / case
            shutil.rmtree(folder, ignore_errors=True)
            model.save_pretrained(folder, save_embedding_layers=save)
            (folder / "README.md").unlink()
            config = json.loads((folder / "adapter_config.json").read_text())
            (folder / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": None}, indent=2))
            loaded = PeftModel.from_pretrained(base(place, tied), folder).eval()
            results[f"{case}/logits"] = loaded(input_ids=IDS).logits.detach()
    save_file(results, HERE / "results.safetensors")
    for file in HERE.rglob("*.safetensors"):
        file.chmod(0o644)


main()
