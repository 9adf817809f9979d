"""Makes tests/golden/tied: adapters on a tied model's ends, before and after a few steps of training with PEFT.

Needs torch, transformers, peft 0.21.0 and safetensors; the base is that of makePeft.py. Run it from anywhere:
PYTHONHASHSEED=0 python tests/golden/scripts/adapters/makeTied.py
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

from stir import stir
from tinyBase import tiny_base

HERE = Path(__file__).parents[2] / "tied"
IDS = torch.tensor([[1, 5, 9, 3, 17, 30, 8], [1, 22, 4, 39, 11, 6, 7], [1, 12, 13, 14, 15, 16, 33]])
STEPS, EPSILON = 4, 1e-3  # a large epsilon: Adam must not blow rounding up where a gradient is nearly 0
TIED = {"ensure_weight_tying": True}
CASES = {
    "savedHead": lambda: {"modules_to_save": ["lm_head"]},
    "savedTable": lambda: {"modules_to_save": ["embed_tokens"]},
    "loraTable": lambda: {"target_modules": ["q_proj", "embed_tokens"]},
    "loraHead": lambda: {"target_modules": ["q_proj", "lm_head"]},
    "tokens": lambda: {"trainable_token_indices": [3, 39]},
    "ensuredHead": lambda: {"modules_to_save": ["lm_head"]} | TIED,
    "ensuredTable": lambda: {"modules_to_save": ["embed_tokens", "norm"]} | TIED,
    "ensuredTokens": lambda: {"trainable_token_indices": {"embed_tokens": [3, 39], "lm_head": [3, 39]}} | TIED,
}


def save(model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink()


def main():
    results = {}
    torch.manual_seed(0)  # the first case draws before it is stirred
    for case, options in CASES.items():
        model = get_peft_model(tiny_base(True), LoraConfig(**({"r": 2, "target_modules": ["q_proj"]} | options())))
        stir(model)
        save(model, HERE / case / "start")
        loaded = PeftModel.from_pretrained(tiny_base(True), HERE / case / "start", is_trainable=True).eval()
        results[f"{case}/logits"] = loaded(input_ids=IDS).logits.detach()
        trained = [parameter for parameter in loaded.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-2, weight_decay=0.01, eps=EPSILON)
        losses = []
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = loaded(input_ids=IDS, labels=IDS).loss
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        results[f"{case}/losses"] = torch.stack(losses)
        results[f"{case}/trained"] = loaded(input_ids=IDS).logits.detach()
        save(loaded, HERE / case / "end")
        (HERE / case / "end" / "adapter_config.json").unlink()
    save_file(results, HERE / "results.safetensors")
    for file in HERE.rglob("*.safetensors"):
        file.chmod(0o644)


main()
