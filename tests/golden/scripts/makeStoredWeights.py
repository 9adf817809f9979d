"""Writes storedWeights.json: what bitsandbytes and llama.cpp's Python package make of a few weights at 4 and 8 bits, and the values
that they read back; and 16-bit roundings by torch. Run with torch==2.15.0, bitsandbytes==0.50.2 (its CPU code) and gguf==0.19.0:

    python makeStoredWeights.py
"""
import base64
import json
import pathlib

import bitsandbytes.functional as bnb
import gguf
import numpy as np
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute


def encode(array):
    array = array.numpy() if isinstance(array, torch.Tensor) else array
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def dequantize_nf4(codes, state):
    """By bitsandbytes' portable code, which every device without a kernel of its own uses: its AVX-512 kernel takes wrong scales
    where a row is no whole number of blocks."""
    scales = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset
    values = _dequantize_4bit_compute(codes.reshape(-1), scales, state.code, state.blocksize, state.shape, torch.float32)
    if state.shape[-1] % state.blocksize == 0:
        assert torch.equal(values, bnb.dequantize_4bit(codes, state))
    return values


def nf4(weight):
    codes, state = bnb.quantize_4bit(weight, quant_type="nf4", compress_statistics=True)
    assert state.blocksize == 64 and state.state2.blocksize == 256
    return {
        "codes": encode(codes.reshape(-1)),
        "absmax": encode(state.absmax),
        "nestedAbsmax": encode(state.state2.absmax),
        "offset": state.offset.item(),
        "values": encode(dequantize_nf4(codes, state)),
    }


def int8(weight):
    codes, scales, _ = bnb.int8_vectorwise_quant(weight.to(torch.float16))  # as Int8Params rounds a checkpoint's weight first
    return {"codes": encode(codes), "scales": encode(scales), "values": encode(bnb.int8_vectorwise_dequant(codes, scales))}


def ggml(weight, name):
    kind = gguf.GGMLQuantizationType[name]
    blocks = gguf.quantize(weight.numpy(), kind)
    return {"blocks": encode(blocks), "values": encode(gguf.dequantize(blocks, kind))}


def every_format(weight):
    case = {"shape": weight.shape, "weight": encode(weight), "nf4": nf4(weight), "int8": int8(weight)}
    case["bfloat16"] = encode(weight.to(torch.bfloat16).view(torch.int16))
    case["float16"] = encode(weight.to(torch.float16).view(torch.int16))
    if weight.shape[1] % 32 == 0:
        case |= {kind: ggml(weight, kind) for kind in ["Q4_0", "Q4_1", "Q8_0"]}
    return case


torch.manual_seed(20_25)
special = torch.zeros(4, 64)  # a row of zeros, ties, one value twice, and values that 16 bits hold as subnormals
special[1] = torch.linspace(-1, 1, 64)
special[2, ::2] = 0.5
special[3] = torch.arange(64) * 2.0**-22
cases = {
    "whole": every_format(torch.randn(6, 128) * torch.rand(6, 1) * 0.2),
    "ragged": every_format(torch.randn(7, 30) * 0.2),  # a last block and last words that are not full
    "special": every_format(special),
}
# More than 256 scales, and blocks that go on from one row to the next. Steps of 2^-16 keep the fixture small.
steps = (torch.randn(172, 96) * 3000).round().to(torch.int16)
large = nf4(steps.float() / 65536)
large["values"] = encode(np.frombuffer(base64.b64decode(large["values"]), np.float32)[-2048:])
cases["straddling"] = {"shape": steps.shape, "steps": encode(steps), "nf4": large}
cases["dynamicCode"] = encode(bnb.create_dynamic_map())
path = pathlib.Path(__file__).parents[1] / "storedWeights.json"
path.write_text(json.dumps(cases, indent=1) + "\n")
