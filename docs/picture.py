"""Takes the README's picture out of the course: the SVG of the cell tagged `readme-picture`."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def pictures():
    for notebook in sorted((FOLDER.parent / "notebooks").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text())["cells"]:
            if "readme-picture" in cell["metadata"].get("tags", []):
                yield from (output["data"]["image/svg+xml"] for output in cell["outputs"] if "image/svg+xml" in output.get("data", {}))


(svg,) = pictures()  # exactly one
(FOLDER / "picture.svg").write_text(svg if isinstance(svg, str) else "".join(svg))
