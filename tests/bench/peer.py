"""The peer of our benchmarks: transformers + PEFT on the same weights, batches and threads.

Usage: peer.py MODEL_FOLDER TASK < options.json      (TASK: versions | prepare | train | decode | adapters)
Prints one JSON object. The options are those that tests/bench sends to our side too; token ids come from one formula.
"""

import json
import resource
import statistics
import sys
import tempfile
import time

started = time.perf_counter()
import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from peft import AdaptionPromptConfig, LoraConfig, PeftModel, get_peft_model  # noqa: E402

folder, task = sys.argv[1], sys.argv[2]
options = json.load(sys.stdin)
torch.set_num_threads(options.get("threads", 2))
torch.manual_seed(0)
dtype = getattr(torch, options.get("dtype", "float32"))


def token_ids(batch: int, tokens: int, vocabulary: int) -> torch.Tensor:
    """The ids that our side uses too: (b·1009 + t·7919 + 13) mod V."""
    rows = [[(b * 1009 + t * 7919 + 13) % vocabulary for t in range(tokens)] for b in range(batch)]
    return torch.tensor(rows)


def load():
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")


def adapted(model):
    """The adapter that both sides start from, in fp32 on whatever base."""
    model = PeftModel.from_pretrained(model, options["adapter"], is_trainable=True)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()  # a bf16 base with fp32 adapters, as ours
    return model


def prepare() -> dict:
    """Writes an adapter as PEFT starts it; with `nudge` nothing of it is 0, so that it changes what the model says."""
    kinds = {"lora": LoraConfig, "adaption_prompt": AdaptionPromptConfig}
    config = kinds[options["kind"]](task_type="CAUSAL_LM", **options["config"])
    model = get_peft_model(load(), config)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and options["nudge"] and ("lora_B" in name or "gate" in name):
            torch.nn.init.normal_(parameter, std=0.02)
    model.save_pretrained(options["adapter"])
    return {"trainable": sum(p.numel() for p in model.parameters() if p.requires_grad)}


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def train() -> dict:
    model = adapted(load())
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)
    ids = token_ids(options["batch"], options["tokens"], model.config.vocab_size)
    losses, seconds, first = [], [], None
    for _ in range(options["warmup"] + options["steps"]):
        begun = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begun)
        first = first or time.perf_counter() - started
    timed = seconds[options["warmup"] :]
    return {
        "losses": losses,
        "secondsPerStep": statistics.median(timed),
        "spread": [min(timed), max(timed)],
        "secondsToFirstStep": first,
        "peakMegabytes": peak_megabytes(),
    }


def decode() -> dict:
    model = load().eval()
    ready = time.perf_counter() - started
    if options.get("adapter"):
        model = PeftModel.from_pretrained(model, options["adapter"])
    ids = token_ids(options["batch"], options["tokens"], model.config.vocab_size)
    wanted = {"max_new_tokens": options["newTokens"], "min_new_tokens": options["newTokens"], "do_sample": False, "use_cache": True, "pad_token_id": 0}
    rates, out = [], None
    with torch.inference_mode():
        for _ in range(options["warmup"] + options["steps"]):
            begun = time.perf_counter()
            out = model.generate(ids, attention_mask=torch.ones_like(ids), **wanted)
            rates.append(options["batch"] * options["newTokens"] / (time.perf_counter() - begun))
    timed = rates[options["warmup"] :]
    return {
        "tokensPerSecond": statistics.median(timed),
        "spread": [min(timed), max(timed)],
        "newIds": out[:, ids.shape[1] :].tolist(),
        "secondsToLoad": ready,
        "peakMegabytes": peak_megabytes(),
    }


def milliseconds(work, times: int = 5) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def adapters() -> dict:
    model = adapted(load())
    with tempfile.TemporaryDirectory() as saved:
        save = milliseconds(lambda: model.save_pretrained(saved))
        count = iter(range(1000))
        load_one = milliseconds(lambda: model.load_adapter(saved, adapter_name=f"a{next(count)}"))
        names = iter(["a0", "a1"] * 50)
        switch = milliseconds(lambda: model.set_adapter(next(names)))

    def merge_and_back() -> None:
        model.merge_adapter()
        model.unmerge_adapter()

    return {"saveMs": save, "loadMs": load_one, "switchMs": switch, "mergeUnmergeMs": milliseconds(merge_and_back)}


result = {"versions": dict, "prepare": prepare, "train": train, "decode": decode, "adapters": adapters}[task]()
result["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
json.dump(result, sys.stdout)
