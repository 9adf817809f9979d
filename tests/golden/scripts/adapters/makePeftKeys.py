"""Makes tests/golden/peftKeys.json: the keys of PEFT's configuration files, with their defaults.

Needs peft. Run it from anywhere after a new release of PEFT: python tests/golden/scripts/adapters/makePeftKeys.py
A key that is new then fails tests/peft/files/adapterConfigFile.test.ts until it is decided what becomes of it.
"""

import dataclasses
import json
from pathlib import Path

import peft

CONFIGS = {"LORA": peft.LoraConfig, "ADAPTION_PROMPT": peft.AdaptionPromptConfig}


def keys(kind):
    """Every field; those that PEFT does not write (`runtime_config`) have the default of their class."""
    config = kind()
    written = config.to_dict()
    values = {f.name: written.get(f.name, dataclasses.asdict(config)[f.name]) for f in dataclasses.fields(kind)}
    return dict(sorted(values.items()))


def main():
    content = {"peftVersion": peft.__version__, "keys": {name: keys(kind) for name, kind in CONFIGS.items()}}
    path = Path(__file__).parents[2] / "peftKeys.json"
    path.write_text(json.dumps(content, indent=2, default=lambda value: value.value) + "\n")


if __name__ == "__main__":
    main()
