"""Makes tests/golden/padded: gradients of token tables in transformers and PEFT, where rows hold the pad token.

Needs torch, transformers, peft 0.21.0 and safetensors; the base is that of makePeft.py. Run it from anywhere:
PYTHONHASHSEED=0 python tests/golden/scripts/adapters/makePadded.py
"""

import shutil
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

from stir import stir
from tinyBase import tiny_base

HERE = Path(__file__).parents[2] / "padded"
PAD = 5
IDS = torch.tensor([[1, 5, 9, 3, 17, 30, 8], [1, 22, 4, 39, 5, 5, 5], [5, 5, 13, 14, 15, 16, 33]])
CASES = {
    "savedTable": dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"]),
    "lora": dict(target_modules=["embed_tokens"]),
    "dora": dict(target_modules=["embed_tokens"], use_dora=True),
    "tokens": dict(target_modules=["q_proj"], trainable_token_indices=[3, 5]),
}


def main():
    results = {}

    def gradients(case, model):
        model(input_ids=IDS, labels=IDS).loss.backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                results[f"{case}/{name}"] = parameter.grad

    shutil.rmtree(HERE, ignore_errors=True)
    for tied in (False, True):
        gradients("full/tied" if tied else "full/untied", tiny_base(tied, pad_token_id=PAD))
    torch.manual_seed(0)
    for case, options in CASES.items():
        for tied in (False, True):
            model = get_peft_model(tiny_base(tied, pad_token_id=PAD), LoraConfig(r=2, **options)).eval()
            stir(model)
            folder = f"{case}/{'tied' if tied else 'untied'}"
            model.save_pretrained(HERE / folder, save_embedding_layers=False)
            (HERE / folder / "README.md").unlink()
            gradients(folder, model)
    save_file(results, HERE / "results.safetensors")
    for file in HERE.rglob("*.safetensors"):
        file.chmod(0o644)


main()
