"""Writes rotary/llamaCpp.gguf: the adapter of makeRotaryLora.py as llama.cpp's own script converts it. Run with transformers 5.23 and
gguf 0.19 installed, and the path of a llama.cpp checkout (this was the one in the sources of llama-cpp-python 0.3.36):

    python makeGgufLora.py path/to/llama.cpp
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parents[2]
script = pathlib.Path(sys.argv[1]) / "convert_lora_to_gguf.py"
command = [sys.executable, script, "--base", HERE / "llama/plain", "--outfile", HERE / "rotary/llamaCpp.gguf", HERE / "rotary"]
subprocess.run(command, check=True)
