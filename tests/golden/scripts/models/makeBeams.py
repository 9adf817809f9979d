"""Makes tests/golden/beams.json: what transformers' beam search writes with the tiny model of makePeft.py.

Needs torch, transformers and safetensors; run it from anywhere: python tests/golden/scripts/models/makeBeams.py
"""

import itertools
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = Path(__file__).parents[2]
names = json.loads((HERE / "peft/config.json").read_text())
model = LlamaForCausalLM(LlamaConfig(**names)).eval()
model.load_state_dict(load_file(HERE / "peft/base.safetensors"))

PROMPTS = [[1, 5, 9, 3], [1, 22], [1, 12, 13, 14, 15, 16, 33]]
model.generation_config.eos_token_id = None
width = max(map(len, PROMPTS))
ids = torch.tensor([[0] * (width - len(row)) + row for row in PROMPTS])
mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in PROMPTS])


def new_ids(row, stops):
    """The row's own new ids: up to its stop token, without what pads it after."""
    row = row[width:].tolist()
    ends = [place for place, value in enumerate(row) if value in stops]
    return row[: ends[0] + 1] if ends else row


cases = []
settings = itertools.product([2, 10], [1.0, 0.0, 2.0, -1.0], [False, True, "never"], [[31], [8, 33, 21], []])
for beams, penalty, early, stops in settings:
    options = {"num_beams": beams, "length_penalty": penalty, "early_stopping": early, "num_return_sequences": 2}
    out = model.generate(
        ids, attention_mask=mask, max_new_tokens=9, do_sample=False, pad_token_id=0, eos_token_id=stops or None, **options
    )
    cases.append({**options, "eos_token_id": stops, "newIds": [new_ids(row, stops) for row in out]})
text = ",\n".join(json.dumps(case) for case in cases)
(HERE / "beams.json").write_text(f'{{"prompts": {json.dumps(PROMPTS)}, "cases": [\n{text}\n]}}\n')
