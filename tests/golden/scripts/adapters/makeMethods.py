"""Makes tests/golden/methods: adapters of IA3 and VeRA as PEFT writes them, and what PEFT computes with them.

Needs torch, transformers, peft 0.21.0 and safetensors; run it from anywhere:
PYTHONHASHSEED=0 python tests/golden/scripts/adapters/makeMethods.py (the seed only fixes the order in which PEFT writes sets of names)
The base is the tiny LLaMA of makePeft.py.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from peft import IA3Config, PeftModel, VeraConfig, get_peft_model
from safetensors.torch import save_file

import makePeft
from makePeft import IDS, LABELS, base, save, ten_steps

HERE = Path(__file__).parents[2] / "methods"
results = makePeft.results


def fill(model, seed=1):
    """Values with which no adapter is a no-op, and none is 0 or 1."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                size = 0.5 if "ia3" in name or "vera" in name else 0.1
                parameter.add_(torch.randn(parameter.shape) * size + (0.3 if "vera" in name else 0))


def adapter(case, config, **changes):
    folder = HERE / case
    model = get_peft_model(base(**changes), config)
    fill(model)
    save(model, folder)
    loaded = PeftModel.from_pretrained(base(**changes), folder, is_trainable=True).eval()
    makePeft.run(case, loaded)
    results[f"{case}/disabled"] = disabled(loaded)
    if "tie_word_embeddings" in changes:  # PEFT merges into the table of both ends
        return
    loaded.merge_adapter()
    results[f"{case}/merged"] = loaded(input_ids=IDS).logits.detach()


def disabled(model):
    with model.disable_adapter():
        return model(input_ids=IDS).logits.detach()


def trained(case, config, learning_rate, **changes):
    """Ten AdamW steps from PEFT's own start."""
    torch.manual_seed(2)
    model = get_peft_model(base(**changes), config)
    save(model, HERE / f"{case}Start")
    results[f"{case}/losses"] = ten_steps(model, learning_rate)
    save(model, HERE / f"{case}End")


def several(case, one, two):
    """Two adapters on one model: each alone, both at once, and both merged."""
    model = get_peft_model(base(), one, adapter_name="one")
    fill(model)
    model.add_adapter("two", two)
    model.set_adapter("two")
    fill(model, seed=3)
    save(model, HERE / case)
    model.eval()
    for name in ["one", "two"]:
        model.set_adapter(name)
        results[f"{case}/{name}"] = model(input_ids=IDS).logits.detach()
    model.base_model.set_adapter(["one", "two"])
    results[f"{case}/both"] = model(input_ids=IDS).logits.detach()
    model.merge_adapter(["one", "two"])
    results[f"{case}/bothMerged"] = model(input_ids=IDS).logits.detach()
    if isinstance(one, IA3Config):
        model.unmerge_adapter()
        model.base_model.set_adapter(["one"])
        model.add_weighted_adapter(["one", "two"], [0.7, 0.6], "mix")
        model.set_adapter("mix")
        results[f"{case}/mix"] = model(input_ids=IDS).logits.detach()


def ours():
    """What PEFT computes with the adapters that tests/peft/methodFiles.test.ts wrote; it must read them without a complaint."""
    for folder in sorted(HERE.glob("ours/**/adapter_config.json")):
        name = folder.relative_to(HERE / "ours").parts[0]
        with warnings.catch_warnings(record=True) as caught:
            model = PeftModel.from_pretrained(base(attention_bias="Bias" in name), folder.parent).eval()
        complaints = [str(warning.message) for warning in caught if "PRNG" not in str(warning.message)]
        complaints = [message for message in complaints if any(word in message for word in ["adapter", "unexpected", "missing"])]
        assert not complaints, (name, complaints)
        results[f"ours/{name}/logits"] = model(input_ids=IDS).logits.detach()


def main():
    HERE.mkdir(exist_ok=True)
    results["base/logits"] = base()(input_ids=IDS).logits.detach()
    linear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

    adapter("ia3", IA3Config(task_type="CAUSAL_LM"))
    adapter("ia3All", IA3Config(target_modules=linear, feedforward_modules=["o_proj", "down_proj"], modules_to_save=["lm_head"]))
    adapter("ia3Regex", IA3Config(target_modules=r".*\.(k_proj|up_proj|down_proj)", feedforward_modules=r".*\.1\.mlp\.down_proj", exclude_modules=r".*\.2\..*"))
    adapter("ia3Bias", IA3Config(target_modules=["q_proj", "v_proj", "o_proj"], feedforward_modules=["o_proj"]), attention_bias=True)
    adapter("ia3Tied", IA3Config(target_modules=["lm_head", "q_proj"], feedforward_modules=["lm_head"]), tie_word_embeddings=True)
    trained("ia3Trained", IA3Config(), 1e-2)
    several("ia3Several", IA3Config(), IA3Config(target_modules=["q_proj", "down_proj", "v_proj"], feedforward_modules=["down_proj"]))

    adapter("vera", VeraConfig(r=4, task_type="CAUSAL_LM"))
    adapter("veraAll", VeraConfig(r=3, target_modules=linear, projection_prng_key=11, modules_to_save=["lm_head"]))
    adapter("veraLayers", VeraConfig(r=5, target_modules=["k_proj", "up_proj"], layers_to_transform=[0, 2], d_initial=0.4))
    adapter("veraKey", VeraConfig(r=4, target_modules=["q_proj", "gate_proj"], projection_prng_key=7, save_projection=False))
    adapter("veraBias", VeraConfig(r=4, target_modules=["q_proj", "o_proj"], bias="vera_only"), attention_bias=True)
    adapter("veraBiasAll", VeraConfig(r=4, target_modules=["q_proj"], bias="all"), attention_bias=True)
    adapter("veraTied", VeraConfig(r=4, target_modules=["lm_head", "q_proj"]), tie_word_embeddings=True)
    trained("veraTrained", VeraConfig(r=4, d_initial=0.3), 1e-2)
    several("veraSeveral", VeraConfig(r=4, target_modules=["q_proj", "up_proj"]), VeraConfig(r=4, target_modules=["q_proj", "up_proj"]))
    ours()
    save_file({name: tensor.contiguous().float() for name, tensor in results.items()}, HERE / "results.safetensors")
    for file in HERE.rglob("*.safetensors"):
        file.chmod(0o644)


main()
