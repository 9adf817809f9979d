"""Writes the tslab kernelspec: this checkout's Node and tslab, by absolute path, and nothing outside the checkout.

Usage: kernel.py KERNEL_JSON
"""

import json
import sys
from pathlib import Path

checkout, target = Path(__file__).resolve().parents[4], Path(sys.argv[1])
spec = {
    "argv": [
        str(checkout / ".venv/bin/node"),
        "--no-deprecation",
        "--require",
        str(checkout / "lib/lowrank/setup/jupyter/kernelGuard.js"),
        str(checkout / "node_modules/tslab/bin/tslab"),
        "kernel",
        "--config-path",
        "{connection_file}",
    ],
    "display_name": "TypeScript",
    "language": "typescript",
    "env": {"TF_CPP_MIN_LOG_LEVEL": "2"},
}
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(json.dumps(spec, indent=2) + "\n")
