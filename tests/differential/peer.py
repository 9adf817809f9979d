"""The other side of `make differential`: transformers and PEFT.

Usage: peer.py make FOLDER SEED...     makes FOLDER/SEED: a random base, a random adapter, and what PEFT computes with them
       peer.py read FOLDER SEED...     computes with the folders that our side wrote there, and writes FOLDER/read.json

A seed decides everything, so a case that differs can be made again alone.
"""

import json
import random
import re
import shutil
import sys
import warnings
from pathlib import Path

import torch
from peft import AdaptionPromptConfig, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedConfig, Qwen2Config, Qwen2ForCausalLM
from transformers import logging as transformers_logging

STEPS, LEARNING_RATE, EPSILON = 4, 1e-2, 1e-3  # a large epsilon: Adam must not blow rounding up where a gradient is nearly 0
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ENDS = ["embed_tokens", "lm_head"]
TEXTS = ["def add(a, b):\n    return a + b\n", "x =  42 if y else 1000\t# naïve", "Fix the bug, please.", "变量 = '😀';", "I'll re-check it's OK…"]


def random_config(rng: random.Random, is_qwen2: bool) -> PreTrainedConfig:
    """A LLaMA or Qwen2 of a few thousand parameters; no two sizes are equal by design."""
    key_heads = rng.choice([1, 2, 3])
    heads = key_heads * rng.choice([1, 2, 3])
    head_dim = rng.choice([4, 6, 8, 10])
    rope = {"rope_type": "default", "rope_theta": rng.choice([100.0, 10000.0, 500000.0])}
    kind = rng.choice(["default", "default", "linear", "llama3"])
    if kind == "linear":
        rope |= {"rope_type": "linear", "factor": rng.choice([2.0, 4.0])}
    if kind == "llama3":
        rope |= {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
    options = dict(
        vocab_size=rng.randint(30, 60),
        hidden_size=heads * rng.choice([head_dim, head_dim, 4, 12]),
        intermediate_size=rng.choice([14, 22, 36]),
        num_hidden_layers=rng.randint(1, 3),
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        head_dim=head_dim,
        max_position_embeddings=64,
        rms_norm_eps=rng.choice([1e-6, 1e-5]),
        rope_parameters=rope,
        attention_bias=rng.random() < 0.25,
        mlp_bias=rng.random() < 0.25,
        tie_word_embeddings=rng.random() < 0.4,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        attn_implementation="eager",
    )
    if not is_qwen2:
        return LlamaConfig(**options)
    biases = ("attention_bias", "mlp_bias")  # drawn all the same, so that a seed has the same sizes with either architecture
    return Qwen2Config(**{name: value for name, value in options.items() if name not in biases})


def random_base(config: PreTrainedConfig, seed: int) -> LlamaForCausalLM | Qwen2ForCausalLM:
    """Weights large enough for every part to matter, biases and norms included."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 0.1 if "norm" in name else 0.3
            parameter.copy_(torch.randn_like(parameter) * spread + ("norm" in name))
    return model


def random_adapter(rng: random.Random, config: PreTrainedConfig):
    is_llama = config.model_type == "llama"  # PEFT has no prefix for Qwen2
    fits_prefix = is_llama and not config.attention_bias and config.hidden_size == config.num_attention_heads * config.head_dim
    if rng.random() < 0.3 and fits_prefix:  # PEFT adds o_proj's bias twice, and takes the heads' widths from hidden_size
        layers = rng.randint(1, config.num_hidden_layers)
        return AdaptionPromptConfig(adapter_len=rng.randint(1, 5), adapter_layers=layers, task_type="CAUSAL_LM")
    options = {"r": rng.randint(1, 5), "lora_alpha": rng.choice([1, 2, 3, 5]), "use_rslora": rng.random() < 0.3, "use_dora": rng.random() < 0.25}
    targets = rng.choice(["list", "list", "all", "expression", "ends"])
    if targets == "list":
        options["target_modules"] = rng.sample(LINEAR, rng.randint(1, 5))
    elif targets == "all":
        options["target_modules"] = "all-linear"
    elif targets == "expression":
        options["target_modules"] = rng.choice([r".*\.(k|o)_proj", r".*layers\.0\..*(up|down)_proj", r".*mlp\.\w+_proj"])
    else:
        options["target_modules"] = rng.sample(LINEAR, 2) + rng.choice([["embed_tokens"], ["lm_head"], ["embed_tokens", "lm_head"]])
    if targets in ("list", "ends"):
        if rng.random() < 0.3:
            options["layers_to_transform"] = sorted(rng.sample(range(config.num_hidden_layers), rng.randint(1, config.num_hidden_layers)))
        if rng.random() < 0.3:
            options["rank_pattern"] = {options["target_modules"][0]: rng.randint(1, 6)}
        if rng.random() < 0.3:
            options["alpha_pattern"] = {options["target_modules"][-1]: rng.choice([2, 9])}
        if rng.random() < 0.2 and targets == "list":
            options["modules_to_save"] = rng.choice([["norm"], ["lm_head"], ["input_layernorm", "norm"]])
    if (not is_llama or config.attention_bias) and rng.random() < 0.4:
        options["bias"] = rng.choice(["all", "lora_only"])
    if rng.random() < 0.25 and targets != "ends":
        options["init_lora_weights"] = rng.choice(["gaussian", "pissa", "olora"])
    return LoraConfig(task_type="CAUSAL_LM", **options)


def fill(model, seed: int) -> None:
    """Values with which no part of an adapter is a no-op: B, the gates and the biases are not 0."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "magnitude" in name:
                parameter.mul_(1 + 0.2 * torch.rand(parameter.shape))
            elif parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape) * (0.25 if "lora" in name or "adaption" in name else 0.1))


def random_rows(rng: random.Random, vocabulary: int) -> dict:
    """A batch without padding, the same with the left of its rows padded, and labels of which some do not count."""
    length = rng.randint(5, 12)
    ids = [[rng.randrange(3, vocabulary) for _ in range(length)] for _ in range(3)]
    lengths = [length, rng.randint(2, length), rng.randint(1, length - 1)]
    mask = [[int(t >= length - own) for t in range(length)] for own in lengths]
    padded = [[token if seen else 0 for token, seen in zip(row, shown)] for row, shown in zip(ids, mask)]
    labels = [[token if rng.random() < 0.7 else -100 for token in row] for row in ids]
    labels[0][-1] = ids[0][-1]  # at least one label counts
    prompts = [row[: rng.randint(1, length)] for row in ids]
    return {"ids": ids, "labels": labels, "mask": mask, "padded": padded, "prompts": prompts}


def greedy(model, prompts, tokens=6):
    """Ids after each prompt, and None where two tokens are so close that rounding decides."""
    rows = []
    for prompt in prompts:
        given = torch.tensor([prompt])
        new = []
        for _ in range(tokens):
            best = model(input_ids=given).logits[0, -1].topk(2)
            if best.values[0] - best.values[1] < 1e-3:
                new = None
                break
            new.append(int(best.indices[0]))
            given = torch.cat([given, best.indices[:1][None]], dim=1)
        rows.append(new)
    return rows


def random_tokenizer(rng: random.Random) -> Tokenizer:
    """A byte-level tokenizer with the splits and normalizers that models of this architecture have."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = rng.choice([None, normalizers.NFC()])
    level = pre_tokenizers.ByteLevel(add_prefix_space=rng.random() < 0.3, use_regex=True)
    tokenizer.pre_tokenizer = rng.choice([level, pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level])])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=rng.randint(280, 340), special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return tokenizer


def random_text(rng: random.Random) -> str:
    pieces = ["  ", "\n", "\t", "x", "42", "def ", "it's", "é", "变", "😀", "…", "</s>", " = ", "ReturnS", "\r\n", "'ll"]
    return "".join(rng.choice(pieces) for _ in range(rng.randint(1, 14)))


def train(model, ids, labels):
    """A few AdamW steps; their losses, and the trained parameters stay in the model."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.01, eps=EPSILON)
    losses = []
    for _ in range(STEPS):
        loss = model(input_ids=ids, labels=labels).loss
        losses.append(loss.detach())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack(losses)


def save_adapter(model, folder: Path) -> None:
    model.save_pretrained(folder)
    for readme in folder.rglob("README.md"):
        readme.unlink()


def make(folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = random_config(rng, is_qwen2=random.Random(f"model of {seed}").random() < 0.3)  # LLaMA where a seed had it before
    base = random_base(config, seed)
    base.save_pretrained(folder / "base", max_shard_size=rng.choice(["6KB", "1GB"]))
    (folder / "base/generation_config.json").unlink(missing_ok=True)
    base = AutoModelForCausalLM.from_pretrained(folder / "base", attn_implementation="eager").eval()
    base.name_or_path = "base"  # PEFT writes it into the adapter's file
    rows = random_rows(rng, config.vocab_size)
    ids, labels, mask, padded = (torch.tensor(rows[name]) for name in ("ids", "labels", "mask", "padded"))
    positions = (mask.cumsum(-1) - 1).clamp(min=0)  # as `generate` counts them; a prefix sees absolute positions
    batch = {"input_ids": padded, "attention_mask": mask, "position_ids": positions}
    results = {}
    with torch.no_grad():
        results["base/logits"] = base(input_ids=ids).logits
        results["base/padded"] = base(**batch).logits

    adapter = random_adapter(rng, config)
    started = get_peft_model(base, adapter)
    fill(started, seed + 1)
    save_adapter(started, folder / "adapter")

    def loaded(is_trainable=False):
        fresh = AutoModelForCausalLM.from_pretrained(folder / "base", attn_implementation="eager").eval()
        fresh.name_or_path = "base"
        return PeftModel.from_pretrained(fresh, folder / "adapter", is_trainable=is_trainable).eval()

    model = loaded(is_trainable=True)
    output = model(input_ids=ids, labels=labels)
    results |= {"adapter/logits": output.logits, "adapter/loss": output.loss}
    output.loss.backward()
    results |= {f"gradient/{name}": parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    model.zero_grad()
    with torch.no_grad():
        results["adapter/padded"] = model(**batch).logits
        rows["generated"] = greedy(model, rows["prompts"])
    results["losses"] = train(model, ids, labels)
    save_adapter(model, folder / "trained")
    if isinstance(adapter, LoraConfig):
        with torch.no_grad():
            # PEFT merges LoRA on tied ends into the one table of both, which moves the other end too; right is what it gives unmerged
            parts = config.tie_word_embeddings and any(isinstance(target, str) and target in ENDS for target in adapter.target_modules)
            results["merged/logits"] = (loaded() if parts else loaded().merge_and_unload())(input_ids=ids).logits

    tokenizer = random_tokenizer(rng)
    (folder / "tokenizer").mkdir()
    tokenizer.save(str(folder / "tokenizer/tokenizer.json"))
    (folder / "tokenizer/tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "bos_token": "<s>"}\n')
    rows["texts"] = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in (random_text(rng) for _ in range(8))]
    rows |= {"seed": seed, "steps": STEPS, "learningRate": LEARNING_RATE, "epsilon": EPSILON}
    (folder / "case.json").write_text(json.dumps(rows) + "\n")
    save_file({name: value.detach().contiguous().clone() for name, value in results.items()}, folder / "results.safetensors")
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)


def read(folder: Path) -> dict:
    """How far PEFT is from us with the adapter that we trained and wrote, and transformers with the model that we merged and wrote."""
    ours = load_file(folder / "ours.safetensors")
    ids = torch.tensor(json.loads((folder / "case.json").read_text())["ids"])
    base = AutoModelForCausalLM.from_pretrained(folder / "base", attn_implementation="eager").eval()
    with warnings.catch_warnings(record=True) as caught, torch.no_grad():
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base, folder / "ours").eval()
        errors = {"our adapter in PEFT": relative(model(input_ids=ids).logits, ours["trained/logits"])}
        if (folder / "merged").exists():
            merged = AutoModelForCausalLM.from_pretrained(folder / "merged", attn_implementation="eager").eval()
            errors["our merged model in transformers"] = relative(merged(input_ids=ids).logits, ours["merged/logits"])
    said = [str(warning.message) for warning in caught if re.search("(?i)unexpected|missing|newly initialized", str(warning.message))]
    return {"errors": errors, "complaints": said}


def relative(ours, theirs) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


def main() -> None:
    task, folder, *seeds = sys.argv[1:]
    torch.set_num_threads(2)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    answers = {}
    for seed in seeds:
        if task == "make":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                make(Path(folder) / seed, int(seed))
        else:
            answers[seed] = read(Path(folder) / seed)
    if task == "read":
        (Path(folder) / "read.json").write_text(json.dumps(answers))


main()
