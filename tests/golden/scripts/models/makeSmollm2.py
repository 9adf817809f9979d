"""Writes smollm2.json: what transformers computes with SmolLM2-135M-Instruct as it reads it from the GGUF file.

Run with torch 2.15, transformers 5.23 and gguf 0.19 installed:
    python tests/golden/scripts/models/makeSmollm2.py path/to/SmolLM2-135M-Instruct.Q4_1.gguf
"""
import json
import pathlib
import sys

import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "def fibonacci(n):\n    ",
    "The three primary colours are",
    "<|im_start|>user\nReview this change: `-  if (x == 1)` became `+  if (x === 1)`.<|im_end|>\n<|im_start|>assistant\n",
]
EVERY = 97  # of the 49,152 logits after the last token, one in so many is kept

path = pathlib.Path(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
digits = pre_tokenizers.Digits(individual_digits=True)  # as in the model's own tokenizer.json; from a GGUF file transformers cuts as GPT-2
tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=torch.float32).eval()
golden = []
for prompt in PROMPTS:
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        output = model(ids, labels=ids)
        written = model.generate(ids, max_new_tokens=16, do_sample=False)[0, ids.shape[1]:]
    golden.append({
        "prompt": prompt,
        "ids": ids[0].tolist(),
        "continuation": written.tolist(),
        "text": tokenizer.decode(written),
        "loss": output.loss.item(),
        "logits": [float(f"{logit:.6g}") for logit in output.logits[0, -1, ::EVERY].tolist()],
    })
(pathlib.Path(__file__).parents[2] / "smollm2.json").write_text(json.dumps({"every": EVERY, "prompts": golden}) + "\n")
