"""Makes adamw.json: 20 steps of PyTorch's AdamW with clipping under transformers' cosine schedule.

python tests/golden/scripts/makeAdamw.py   (torch 2.15, transformers 5.23)
"""
import json
from pathlib import Path

import torch
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

STEPS, PEAK, WARMUP, MAX_NORM = 20, 0.05, 4, 1.0

torch.manual_seed(0)
weight = torch.nn.Parameter(torch.randn(3, 4))
bias = torch.nn.Parameter(torch.randn(4))
start = {"weight": weight.tolist(), "bias": bias.tolist()}
optimizer = torch.optim.AdamW(
    [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}], lr=PEAK, betas=(0.9, 0.98), eps=1e-7
)
schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
steps = []
for _ in range(STEPS):
    weight.grad, bias.grad = torch.randn(3, 4), 0.3 * torch.randn(4)
    record = {"weightGrad": weight.grad.tolist(), "biasGrad": bias.grad.tolist(), "learningRate": schedule.get_last_lr()[0]}
    record["norm"] = torch.nn.utils.clip_grad_norm_([weight, bias], MAX_NORM).item()
    record["clippedWeightGrad"] = weight.grad.tolist()
    optimizer.step()
    schedule.step()
    steps.append({**record, "weight": weight.tolist(), "bias": bias.tolist()})


def rates(make, *arguments):
    one = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    made = make(one, *arguments)
    values = []
    for _ in range(STEPS):
        values.append(made.get_last_lr()[0])
        one.step()
        made.step()
    return values


fixture = {
    "peak": PEAK,
    "warmupSteps": WARMUP,
    "maxNorm": MAX_NORM,
    "start": start,
    "steps": steps,
    "schedules": {
        "cosine": rates(get_cosine_schedule_with_warmup, WARMUP, STEPS),
        "linear": rates(get_linear_schedule_with_warmup, WARMUP, STEPS),
        "constant": rates(get_constant_schedule_with_warmup, WARMUP),
    },
}
(Path(__file__).parents[1] / "adamw.json").write_text(json.dumps(fixture) + "\n")
