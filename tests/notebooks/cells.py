"""Checks the code cells of the notebooks: biome's format, lines of at most 100 columns, and the first line of solutions. `--write` brings them
into that format.

A line with a template string may be longer: biome does not break such strings, and what they print would not be easier to read in parts.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIOME = ROOT / "node_modules/.bin/biome"
CONFIG = {
    "formatter": {"indentStyle": "space", "indentWidth": 2, "lineWidth": 100},
    "javascript": {"formatter": {"quoteStyle": "single", "trailingCommas": "all"}},
    "linter": {"enabled": False},
}
MOST_COLUMNS = 100
FIRST_LINE = "// Solution"


def source_of(cell):
    return "".join(cell["source"])


def formatted(cells):
    """What biome makes of each cell, all of them in one call."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "biome.json").write_text(json.dumps(CONFIG))
        files = [place / f"{number}.ts" for number in range(len(cells))]
        for file, cell in zip(files, cells):
            file.write_text(source_of(cell) + "\n")
        subprocess.run([BIOME, "format", "--write", "."], cwd=place, check=True, capture_output=True)
        return [file.read_text().rstrip("\n") for file in files]


def main(writes):
    faults = []
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        notebook = json.loads(path.read_text())
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for number, (cell, good) in enumerate(zip(cells, formatted(cells)), 1):
            place = f"{path.relative_to(ROOT)}, code cell {number}"
            if source_of(cell) != good:
                if writes:
                    cell["source"] = good.splitlines(keepends=True)
                else:
                    faults.append(f"{place}: not in biome's format; run tests/notebooks/cells.py --write")
            if "solution" in cell["metadata"].get("tags", []) and not good.startswith(FIRST_LINE):
                faults.append(f"{place}: a solution begins with '{FIRST_LINE}', for JupyterLab shows the first line of a folded cell")
            for line in good.splitlines():
                if len(line) > MOST_COLUMNS and '`' not in line:
                    faults.append(f"{place}: {len(line)} columns: {line.strip()[:60]}…")
        if writes:
            path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    return faults


if __name__ == "__main__":
    sys.exit("\n".join(main("--write" in sys.argv)) or 0)
