"""Runs cells that fail in one kernel; prints what each printed as a line of JSON. Usage: cellErrors.py FOLDER, with the cells as a list of JSON on stdin."""

import json
import signal
import sys
from pathlib import Path

from stopButton import Kernel, end

signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGALRM, end)
signal.alarm(60)
kernel = Kernel(Path(sys.argv[1]))
try:
    for cell in json.load(sys.stdin):
        print(json.dumps(kernel.answer(cell)), flush=True)
finally:
    kernel.close()
