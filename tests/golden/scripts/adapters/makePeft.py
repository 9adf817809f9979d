"""Makes tests/golden/peft: a tiny LLaMA, adapters as PEFT writes them, and what PEFT computes with them.

Needs torch, transformers, peft 0.21.0 and safetensors; run it from anywhere:
PYTHONHASHSEED=0 python tests/golden/scripts/adapters/makePeft.py (the seed only fixes the order in which PEFT writes sets of names)
"""

import json
import re
import shutil
import warnings
from pathlib import Path

import torch
from peft import AdaptionPromptConfig, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parents[2] / "peft"
NAMES = {"hidden_size": 16, "intermediate_size": 24, "vocab_size": 40, "num_hidden_layers": 3, "num_attention_heads": 4}
NAMES |= {"num_key_value_heads": 2, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0}
NAMES |= {"tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2}
IDS = torch.tensor([[1, 5, 9, 3, 17, 30, 8], [1, 22, 4, 39, 11, 6, 7], [1, 12, 13, 14, 15, 16, 33]])
LABELS = IDS.clone()
LABELS[0, :3] = -100
results = {}


def base(**changes):
    """The same tiny model every time; its weights are large enough for every part to matter."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**(NAMES | changes))).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.1 if "norm" in name else 0.3
            parameter.copy_(torch.randn(parameter.shape) * scale + (1 if "norm" in name else 0))
    return model


def fill(model, seed=1, size=0.5):
    """Values with which no adapter is a no-op: B, the gates and the biases are not 0."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "magnitude" not in name:
                parameter.add_(torch.randn(parameter.shape) * (size if "lora" in name or "adaption" in name else 0.1))
            elif parameter.requires_grad:
                parameter.mul_(1 + 0.2 * torch.rand(parameter.shape))


def save(model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    for readme in folder.rglob("README.md"):
        readme.unlink()


def run(case, model):
    output = model(input_ids=IDS, labels=LABELS)
    results[f"{case}/logits"] = output.logits.detach()
    results[f"{case}/loss"] = output.loss.detach()
    output.loss.backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            results[f"{case}/grad/{name}"] = parameter.grad
    model.zero_grad()


def adapter(case, config, size=0.5, dtype=torch.float32, **changes):
    folder = HERE / case
    model = get_peft_model(base(**changes), config)
    fill(model, size=size)
    save(model.to(dtype), folder)
    loaded = PeftModel.from_pretrained(base(**changes), folder, is_trainable=True).eval()
    run(case, loaded)
    if isinstance(config, LoraConfig) and "tie_word_embeddings" not in changes:
        merged = loaded.merge_and_unload()
        results[f"{case}/merged"] = merged(input_ids=IDS).logits.detach()


def ten_steps(model, learning_rate):
    """Trains by AdamW, and returns the losses."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    losses = []
    for _ in range(10):
        loss = model(input_ids=IDS, labels=LABELS).loss
        losses.append(loss.detach())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack(losses)


def trained(case, config, learning_rate):
    """Ten AdamW steps from PEFT's own start."""
    torch.manual_seed(2)
    model = get_peft_model(base(), config)
    save(model, HERE / f"{case}Start")
    results[f"{case}/losses"] = ten_steps(model, learning_rate)
    save(model, HERE / f"{case}End")


def several():
    """Two adapters on one model: mixed rows, both active, and combined ones."""
    targets = ["q_proj", "v_proj", "down_proj"]
    model = get_peft_model(base(), LoraConfig(r=2, lora_alpha=3, target_modules=targets), adapter_name="one")
    fill(model)
    model.add_adapter("two", LoraConfig(r=3, lora_alpha=4, target_modules=targets))
    model.set_adapter("two")
    fill(model, seed=3)
    model.add_adapter("three", LoraConfig(r=3, lora_alpha=5, target_modules=targets))
    model.set_adapter("three")
    fill(model, seed=4)
    save(model, HERE / "several")
    model.eval()
    results["several/mixed"] = model(input_ids=IDS, adapter_names=["one", "__base__", "two"]).logits.detach()
    model.base_model.set_adapter(["one", "two"])
    results["several/both"] = model(input_ids=IDS).logits.detach()
    ways = {"cat": {}, "svd": {}, "linear": {}, "ties": {"density": 0.6}, "magnitude_prune": {"density": 0.6}}
    ways |= {"ties_svd": {"density": 0.6}, "magnitude_prune_svd": {"density": 0.6}, "ties_frequency": {"density": 0.6}}
    for way, options in ways.items():
        combination = way
        if way == "ties_frequency":
            combination, options = "ties", options | {"majority_sign_method": "frequency"}
        pair = ["two", "three"] if way in ["linear", "ties", "magnitude_prune", "ties_frequency"] else ["one", "two"]
        model.add_weighted_adapter(pair, [0.7, -0.4], way, combination_type=combination, **options)
        for layer in ["q_proj", "v_proj"]:
            module = model.base_model.model.model.layers[1].self_attn.get_submodule(layer)
            results[f"several/{way}/{layer}"] = module.get_delta_weight(way).detach()


def ours():
    """What PEFT computes with the adapters that tests/peft/readByPeft.test.ts wrote; it must read them without a complaint."""
    for folder in sorted(HERE.glob("ours/**/adapter_config.json")):
        name = folder.relative_to(HERE / "ours").parts[0]
        changes = {"attention_bias": True} if name.startswith("bias") else {"tie_word_embeddings": name == "tied"}
        with warnings.catch_warnings(record=True) as caught:
            model = PeftModel.from_pretrained(base(**changes), folder.parent).eval()
        messages = [str(warning.message) for warning in caught if "ensure_weight_tying" not in str(warning.message)]
        complaints = [message for message in messages if re.search("(?i)adapter|unexpected|missing", message)]
        assert not complaints, (name, complaints)
        results[f"ours/{name}/logits"] = model(input_ids=IDS).logits.detach()


def main():
    HERE.mkdir(exist_ok=True)
    (HERE / "config.json").write_text(json.dumps(NAMES, indent=2, sort_keys=True) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in base().state_dict().items()}, HERE / "base.safetensors", metadata={"format": "pt"})
    biased = base(attention_bias=True).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in biased.items()}, HERE / "biased.safetensors", metadata={"format": "pt"})
    results["base/logits"] = base()(input_ids=IDS).logits.detach()

    adapter("lora", LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    adapter("allLinear", LoraConfig(r=2, target_modules="all-linear", rank_pattern={"q_proj": 4, r"layers\.1\.mlp\.\w+": 1}, alpha_pattern={"v_proj": 5}), size=0.2)
    adapter("regex", LoraConfig(r=2, target_modules=r".*\.(k|o)_proj", exclude_modules=r".*\.1\..*o_proj"))
    adapter("layers", LoraConfig(r=2, target_modules=["gate_proj", "o_proj"], layers_to_transform=[0, 2]))
    adapter("rslora", LoraConfig(r=4, lora_alpha=6, use_rslora=True))
    adapter("dora", LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "up_proj"], use_dora=True))
    adapter("pissa", LoraConfig(r=3, lora_alpha=6, init_lora_weights="pissa"))
    adapter("olora", LoraConfig(r=3, lora_alpha=6, init_lora_weights="olora"))
    adapter("head", LoraConfig(r=3, target_modules=["embed_tokens", "lm_head", "q_proj"]))
    adapter("tied", LoraConfig(r=3, target_modules=["embed_tokens", "lm_head", "q_proj"]), tie_word_embeddings=True)
    adapter("savedTied", LoraConfig(r=3, target_modules=["q_proj"], modules_to_save=["lm_head"]), tie_word_embeddings=True)
    adapter("doraHead", LoraConfig(r=3, target_modules=["embed_tokens", "lm_head"], use_dora=True))
    adapter("norms", LoraConfig(r=3, target_modules=["q_proj"], modules_to_save=["norm", "embed_tokens"]))
    adapter("wide", LoraConfig(r=12, target_modules=["k_proj"], use_rslora=True, alpha_pattern={"layers.0.self_attn.k_proj": 3}))
    adapter("half", LoraConfig(r=3, target_modules=["q_proj", "v_proj"]), dtype=torch.float16)
    adapter("saved", LoraConfig(r=3, target_modules=["q_proj"], modules_to_save=["lm_head"]))
    adapter("savedBlock", LoraConfig(r=3, target_modules=["q_proj"], modules_to_save=["layers.0.mlp", "model.layers.1"]))
    adapter("biasAll", LoraConfig(r=3, target_modules=["q_proj"], bias="all"), attention_bias=True)
    adapter("biasLora", LoraConfig(r=3, target_modules=["q_proj"], bias="lora_only"), attention_bias=True)
    adapter("prompt", AdaptionPromptConfig(adapter_len=3, adapter_layers=2, task_type="CAUSAL_LM"))
    trained("loraTrained", LoraConfig(r=4, lora_alpha=8), 1e-2)
    trained("promptTrained", AdaptionPromptConfig(adapter_len=3, adapter_layers=2), 1e-2)
    several()
    ours()
    save_file({name: tensor.contiguous().float() for name, tensor in results.items()}, HERE / "results.safetensors")
    for file in HERE.rglob("*.safetensors"):
        file.chmod(0o644)


if __name__ == "__main__":
    main()
