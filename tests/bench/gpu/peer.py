"""The GPU peer: transformers + PEFT on the LLaMA-7B shape, eager or under torch.compile, with the weights of shape.ts.

Usage: peer.py TASK < options.json      (TASK: train | decode | adapters)
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

task = sys.argv[1]
options = json.load(sys.stdin)
device = options.get("device", "cuda")
world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
P = 4093


def formula(name: str, rows: int, columns: int) -> torch.Tensor:
    """See shape.ts: the same numbers, made on the device."""
    seed = zlib.crc32(name.encode())
    a = 1 + (torch.arange(rows) * 1237 + seed % 4001) % (P - 1)
    b = 1 + (torch.arange(columns) * 2741 + (seed >> 12) % 4003) % (P - 1)
    mixed = (a.float().to(device)[:, None] * b.float().to(device)[None, :]) % P
    return (mixed / P - 0.5) * (12**0.5 * 0.02)


def base() -> LlamaForCausalLM:
    sizes = {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32, **options.get("sizes", {})}
    config = LlamaConfig(**sizes, num_hidden_layers=options["layers"], max_position_embeddings=4096, rms_norm_eps=1e-5)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("meta"):
        model = LlamaForCausalLM._from_config(config, attn_implementation="sdpa")
    torch.set_default_dtype(torch.float32)
    model.to_empty(device=device)
    with torch.device(device):  # its frequencies are no parameters, so nothing below fills them
        model.model.rotary_emb = type(model.model.rotary_emb)(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.ones_like(parameter) if "norm" in name else formula(name, *parameter.shape))
    return model


def adapted(model, r: int):
    model = get_peft_model(model, LoraConfig(r=r, lora_alpha=r, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
                if "lora_A" in name:
                    parameter.copy_(formula(name.replace(".default", ""), *parameter.shape))
    return model


def token_ids(batch: int, tokens: int, vocabulary: int) -> torch.Tensor:
    rows = [[(b * 1009 + t * 7919 + 13) % vocabulary for t in range(tokens)] for b in range(batch)]
    return torch.tensor(rows, device=device)


def wait() -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def used_megabytes() -> float:
    """What is taken of the card, which has nothing else to do: the process's pool, which only grows, and the driver's own part."""
    if device != "cuda":
        return 0.0
    own = f"--id={os.environ.get('CUDA_VISIBLE_DEVICES', 0)}"
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", own]
    return float(subprocess.run(query, capture_output=True, text=True).stdout.split()[0])


def train() -> dict:
    model = adapted(base(), options["r"])
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)
    ids = token_ids(world * options["batch"], options["tokens"], model.config.vocab_size)[rank * options["batch"] :][: options["batch"]]
    inside = options["compiled"] and options.get("compile") == "model"  # DistributedDataParallel around the compiled model, not within it
    if inside:
        model.compile()
    if world > 1:
        torch.distributed.init_process_group("nccl")
        model = torch.nn.parallel.DistributedDataParallel(model, device_ids=[0], gradient_as_bucket_view=True, static_graph=inside)

    def loss_of(ids):
        with torch.autocast(device, dtype=torch.bfloat16):
            return model(input_ids=ids, labels=ids).loss

    if options["compiled"] and not inside:
        loss_of = torch.compile(loss_of)
    losses, seconds = [], []
    wait()
    for _ in range(options["warmup"] + options["steps"]):
        begun = time.perf_counter()
        loss = loss_of(ids)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        wait()
        seconds.append(time.perf_counter() - begun)
    if world > 1:  # each process has the mean of its own rows
        everywhere = torch.tensor(losses, device=device)
        torch.distributed.all_reduce(everywhere)
        losses = (everywhere / world).tolist()
        torch.distributed.destroy_process_group()
    timed = seconds[options["warmup"] :]
    result = {"losses": losses, "secondsPerStep": statistics.median(timed), "spread": [min(timed), max(timed)]}
    return {**result, "firstStepSeconds": seconds[0], "peakMegabytes": used_megabytes()}


def decode() -> dict:
    model = base().eval()
    ids = token_ids(1, options["tokens"], model.config.vocab_size)
    new = options["newTokens"]
    rates, out = [], None
    with torch.inference_mode():
        for _ in range(options["warmup"] + options["steps"]):
            begun = time.perf_counter()
            out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=0)
            wait()
            rates.append(new / (time.perf_counter() - begun))
    timed = rates[options["warmup"] :]
    new_ids = out[:, ids.shape[1] :].tolist()
    return {"tokensPerSecond": statistics.median(timed), "spread": [min(timed), max(timed)], "newIds": new_ids, "peakMegabytes": used_megabytes()}


def milliseconds(work, times: int = 5) -> float:
    taken = []
    for _ in range(times):
        wait()
        begun = time.perf_counter()
        work()
        wait()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def adapters() -> dict:
    model = adapted(base(), options["r"])
    with tempfile.TemporaryDirectory() as saved:
        model.save_pretrained(saved)
        model.load_adapter(saved, adapter_name="other")
    names = iter(["other", "default"] * 50)
    switch = milliseconds(lambda: model.set_adapter(next(names)))

    def merge() -> None:
        model.merge_adapter()
        wait()

    merges = []
    for _ in range(3):
        merges.append(milliseconds(merge, 1))
        model.unmerge_adapter()
    return {"switchMs": switch, "mergeMs": statistics.median(merges)}


def ceilings() -> dict:
    """What this card reaches: a bf16 matrix product on random data, and a copy."""
    a = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16)
    big = torch.empty(2**30, device=device, dtype=torch.float32)
    other = torch.empty_like(big)
    product = milliseconds(lambda: [torch.mm(a, a) for _ in range(10)]) / 10
    copy = milliseconds(lambda: other.copy_(big))
    return {"teraflops": 2 * 8192**3 / product / 1e9, "gigabytesPerSecond": 2 * big.nbytes / copy / 1e6}


result = {"train": train, "decode": decode, "adapters": adapters, "ceilings": ceilings}[task]()
result["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
if device == "cuda":
    result["gpu"] = torch.cuda.get_device_name()
    driver = subprocess.run(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True, text=True)
    result["driver"] = driver.stdout.strip()
json.dump(result, sys.stdout)
