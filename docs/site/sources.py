"""Prepares what Sphinx reads: the notebooks with their figures as moving ones, the drawings, and what the pages take with them.

Usage: sources.py FOLDER, which is emptied first.
"""

import base64
import html
import json
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
NOTEBOOKS = CHECKOUT / "notebooks"
MATHJAX = CHECKOUT / ".venv/share/mathjax/node_modules/mathjax/es5/tex-svg-full.js"
VEGA = "application/vnd.vegalite.v5+json"
# The line that leads to the notebooks before and after, which every page of the site has in its frame.
ROAD = re.compile(r"^(←|Course start · |\[Course start\]).*\.ipynb\).*\n*", re.MULTILINE)


def text_of(value):
    return value if isinstance(value, str) else "".join(value)


def figure(data):
    """A figure as it moves, around the picture that stands for it until then, with its sentence below."""
    picture = base64.b64encode(text_of(data["image/svg+xml"]).encode()).decode()
    sentence = html.escape(text_of(data["text/plain"]).strip())
    spec = {name: value for name, value in data[VEGA].items() if name != "$schema"}
    inside = json.dumps(spec, ensure_ascii=False).replace("</", "<\\/")  # nothing may end the script early
    return (
        f'<figure class="vega"><img alt="{sentence}" src="data:image/svg+xml;base64,{picture}">'
        f'<script type="application/json">{inside}</script>'
        f"<figcaption>{sentence}</figcaption></figure>"
    )


def prepared_cell(cell):
    metadata = cell["metadata"]
    if "solution" in metadata.get("tags", []):
        metadata = {**metadata, "tags": [*metadata["tags"], "hide-cell"], "mystnb": {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}}
    if cell["cell_type"] == "markdown":
        return {**cell, "metadata": metadata, "source": ROAD.sub("", text_of(cell["source"]))}
    if cell["cell_type"] != "code":
        return cell
    outputs = [{**each, "data": {"text/html": figure(each["data"])}} if VEGA in each.get("data", {}) else each for each in cell["outputs"]]
    return {**cell, "metadata": metadata, "outputs": outputs}


def prepared(notebook):
    return {**notebook, "cells": [prepared_cell(cell) for cell in notebook["cells"]]}


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("conf.py", "index.md", "library.md"):
        shutil.copyfile(HERE / name, folder / name)
    shutil.copytree(HERE / "static", folder / "static")
    shutil.copyfile(MATHJAX, folder / "static/mathjax.js")
    shutil.copytree(NOTEBOOKS / "drawings", folder / "drawings")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        (folder / path.name).write_text(json.dumps(prepared(json.loads(path.read_text())), ensure_ascii=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
