"""The environment that environment.mk gives to what make runs, for programs that are run without make."""

import os
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def apply():
    """Sets and removes variables of this process as environment.mk says."""
    text = Path(__file__).with_name("environment.mk").read_text()
    for name, value in re.findall(r"^export (\w+) :=[ ]*(.*)$", text, flags=re.MULTILINE):
        os.environ[name] = value.replace("$(STATE)", "$(CURDIR)/.venv/state").replace("$(CURDIR)", str(CHECKOUT))
    for names in re.findall(r"^unexport (.*)$", text, flags=re.MULTILINE):
        for name in names.split():
            os.environ.pop(name, None)
