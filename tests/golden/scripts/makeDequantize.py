"""Writes dequantize.json: blocks of every GGML type that lib/lowrank/src/io reads, and the values that llama.cpp's own Python
package makes of them. Run with `gguf==0.19.0` installed:  python makeDequantize.py
"""
import base64
import json
import pathlib

import gguf
import numpy as np

random = np.random.default_rng(20_25)
cases = {}
for name in ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q6_K"]:
    kind = gguf.GGMLQuantizationType[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = 3 if values > 1 else 40
    data = random.integers(0, 256, size=(blocks, size), dtype=np.uint8)
    # The scales stand at these bytes: random bits would make them NaN or huge.
    halves = {"Q4_1": [0, 2], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q6_K": [208], "Q8_0": [0], "Q4_0": [0], "Q5_0": [0]}.get(name, [])
    for at in halves:
        data[:, at : at + 2] = random.normal(scale=0.05, size=(blocks, 1)).astype(np.float16).view(np.uint8)
    if name == "F32":
        data = random.normal(size=(blocks, 1)).astype(np.float32).view(np.uint8)
    if name in ("F16", "BF16"):
        data[:, 1] &= 0xBF  # clears the exponent's highest bit: finite values only
    expected = gguf.dequantize(data.reshape(-1), kind).astype(np.float32).reshape(-1)
    assert np.isfinite(expected).all() and expected.size == blocks * values
    cases[name] = {
        "bytes": base64.b64encode(data.tobytes()).decode(),
        "values": base64.b64encode(expected.tobytes()).decode(),
    }
path = pathlib.Path(__file__).parents[1] / "dequantize.json"
path.write_text(json.dumps(cases, indent=1) + "\n")
