"""Which notebooks have been executed already, with all that decides what comes out of them unchanged."""

import hashlib
import json
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
VARIABLES = ("MODEL", "REVIEW_DATA", "FAST", "TENSORFLOW", "XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "LOWRANK_STABLE_OUTPUT")
LOCKS = ("package-lock.json", "requirements.lock", "lib/lowrank/setup/requirements-cpu.lock", "lib/lowrank/setup/requirements-gpu.lock", ".venv/done/tensorflow")


def stamp(notebook):
    """A hash over the notebook's cells, the built library, the gate, the locks, and the environment that notebooks read."""
    content = json.loads(notebook.read_text())
    cells = [[cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags")] for cell in content["cells"]]
    parts = [json.dumps(cells).encode()]
    own = Path(__file__).resolve().parent
    files = [CHECKOUT / lock for lock in LOCKS]
    files += sorted(path for folder in ("lib", "notebooks/course") for path in (CHECKOUT / folder).glob("**/dist/**/*.js") if "node_modules" not in path.parts) + sorted((CHECKOUT / "data").rglob("*")) + sorted((CHECKOUT / "experiments").rglob("*"))
    files += sorted(own.rglob("*.py")) + sorted((own / "pages/site").glob("*"))
    files += [path for name in ("MODEL", "REVIEW_DATA") if (path := Path(os.environ.get(name) or "/nonexistent")).is_file()]
    for path in files:
        if path.is_file():
            large = path.stat().st_size > 2**24
            parts += [str(path).encode(), str(path.stat().st_mtime_ns).encode() if large else path.read_bytes()]
    parts += [f"{name}={os.environ.get(name, '')}".encode() for name in VARIABLES]
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def is_done(notebook, build):
    """Whether the last run of this very notebook was good, and its page is there."""
    kept = build / "stamps" / notebook.stem
    pages = (build / notebook.name, build / f"{notebook.stem}.html")
    return kept.is_file() and all(page.is_file() for page in pages) and kept.read_text() == stamp(notebook)


def keep(notebook, build):
    (build / "stamps").mkdir(exist_ok=True)
    (build / "stamps" / notebook.stem).write_text(stamp(notebook))
