"""Makes tests/golden/trainedTokens: adapters with trained token rows as PEFT writes them, and what PEFT computes with them.

Needs torch, transformers, peft 0.21.0 and safetensors; the base is that of makePeft.py. Run it from anywhere:
PYTHONHASHSEED=0 python tests/golden/scripts/adapters/makeTrainedTokens.py
"""

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file

from stir import stir
from tinyBase import tiny_base

HERE = Path(__file__).parents[2] / "trainedTokens"
IDS = torch.tensor([[1, 5, 9, 3, 17, 30, 8], [1, 22, 4, 39, 11, 6, 7], [1, 12, 13, 14, 15, 16, 33]])
CASES = {
    "list": (True, [3, 39]),
    "headAlone": (True, {"lm_head": [3, 7]}),
    "apart": (True, {"embed_tokens": [3, 5], "lm_head": [4]}),
    "untied": (False, {"embed_tokens": [3, 5]}),
}


def main():
    results = {}
    torch.manual_seed(0)  # the first case draws before it is stirred
    for case, (tied, indices) in CASES.items():
        model = get_peft_model(tiny_base(tied), LoraConfig(r=2, target_modules=["q_proj"], trainable_token_indices=indices))
        stir(model)
        folder = HERE / case
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        (folder / "README.md").unlink()
        loaded = PeftModel.from_pretrained(tiny_base(tied), folder, is_trainable=True).eval()
        output = loaded(input_ids=IDS, labels=IDS)
        output.loss.backward()
        results[f"{case}/logits"] = output.logits.detach()
        for name, parameter in loaded.named_parameters():
            if parameter.grad is not None and "trainable_tokens_delta" in name:
                results[f"{case}/grad/{'head' if 'lm_head' in name else 'table'}"] = parameter.grad
    save_file(results, HERE / "results.safetensors")
    for file in HERE.rglob("*.safetensors"):
        file.chmod(0o644)


main()
