"""Prepares what Sphinx reads: the notebooks with their figures as moving ones, the documents, and what the pages take with them.

Usage: sources.py FOLDER, which is emptied first.
"""

import base64
import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from citation import citation
from glossary import entries, with_places
from links import on_site
from numbered import formulas_of, misnumbered

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
NOTEBOOKS = CHECKOUT / "notebooks"
DOCUMENTS = CHECKOUT / "docs"
MATHJAX = CHECKOUT / ".venv/share/mathjax/node_modules/mathjax/es5/tex-svg-full.js"
VEGA = "application/vnd.vegalite.v5+json"
# The line that leads to the notebooks before and after, which every page of the site has in its frame.
ROAD = re.compile(r"^(←|Course start · |\[Course start\]).*\.ipynb\).*\n*", re.MULTILINE)


# Notebooks whose cells run on their pages as well, as far as these can.
LIVE = ("02-lora", "03-zero-init-prefix", "12-errata")
TINY = "docs/site/pages/tiny-model.md"
LIVE_INTRO = (
    "The code of this page runs in your browser where a cell has a Run button, on the same library as the notebook. "
    "Nothing is sent anywhere."
)

# A paper that is named and not linked yet.
PAPER = re.compile(r"(?<!\[)arXiv (\d{4}\.\d{5})((?:v\d+)?)(?![\dv\]])")


def text_of(value):
    return value if isinstance(value, str) else "".join(value)


HEAD = re.compile(r"<th\b.*?</th>", re.DOTALL)
# A sentence with more characters than this has its numbers folded away below a figure.
LONG = 300
# Where what a figure is about ends, and its numbers begin.
SUBJECT_END = re.compile(r"(?<=\))[:.] |\. ")


def caption(sentence):
    """What stands below a figure. Its whole sentence is there, for the numbers of a large figure on demand."""
    end = SUBJECT_END.search(sentence) if len(sentence) > LONG else None
    if not end:
        return html.escape(sentence)
    subject, numbers = sentence[: end.start()], sentence[end.end() :]
    return f"{html.escape(subject)}. <details><summary>Its numbers</summary>{html.escape(numbers)}</details>"


def figure(data, name):
    """A figure of this name as it moves, around the picture that stands for it until then, with its sentence below."""
    picture = base64.b64encode(text_of(data["image/svg+xml"]).encode()).decode()
    sentence = text_of(data["text/plain"]).strip()
    spec = {name: value for name, value in data[VEGA].items() if name not in ("$schema", "usermeta")}
    inside = json.dumps(spec, ensure_ascii=False).replace("</", "<\\/")  # nothing may end the script early
    return (
        f'<figure class="vega" id="figure-{name}"><img alt="{html.escape(sentence)}" src="data:image/svg+xml;base64,{picture}">'
        f'<script type="application/json">{inside}</script>'
        f"<figcaption>{caption(sentence)}</figcaption></figure>"
    )


def read_on_site(text, place, files):
    """The text of a notebook without its line to the others, with links as they lead on the site, and with places in its glossary."""
    return PAPER.sub(r'<a href="references.html#arxiv-\1">arXiv \1\2</a>', with_places(on_site(ROAD.sub("", text), place, files)))


def prepared_cell(cell, place, files):
    metadata = cell["metadata"]
    if "solution" in metadata.get("tags", []):
        metadata = {**metadata, "tags": [*metadata["tags"], "hide-cell"], "mystnb": {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}}
    if cell["cell_type"] == "markdown":
        return {**cell, "metadata": metadata, "source": read_on_site(text_of(cell["source"]), place, files)}
    if cell["cell_type"] != "code":
        return cell
    outputs = [prepared_output(output, f"{cell.get('id', 'cell')}-{index}") for index, output in enumerate(cell["outputs"])]
    return {**cell, "metadata": metadata, "outputs": outputs}


def prepared_output(output, name):
    data = output.get("data", {})
    if VEGA in data:
        return {**output, "data": {"text/html": figure(data, name)}}
    return {**output, "data": {**data, "text/html": unbroken(text_of(data["text/html"]))}} if "text/html" in data else output


def unbroken(table):
    """A table whose heads are not broken inside a name such as BLEU-4."""
    return HEAD.sub(lambda head: re.sub(r"(?<=\w)-(?=\d)", "\N{NON-BREAKING HYPHEN}", head[0]), table)


def unlisted(texts, references):
    """The papers that the texts name by their numbers and the list of references lacks."""
    named = {number for text in texts for number in re.findall(r"arXiv:? (\d{4}\.\d{5})", text)}
    return sorted(number for number in named if f'id="arxiv-{number}"' not in references)


def prepared(notebook, place, files, marks=None):
    cells = [prepared_cell(cell, place, files) for cell in notebook["cells"]]
    return {**notebook, "cells": with_marks(cells, marks) if marks else cells}


def with_marks(cells, marks):
    """The cells of a page that runs some of them: each code cell with its number, and what the page's script reads below the first."""
    code = [index for index, cell in enumerate(cells) if cell["cell_type"] == "code"]
    listed = [
        {
            "code": index,
            "source": text_of(cells[index]["source"]),
            "isSolution": "solution" in cells[index]["metadata"].get("tags", []),
            **({} if marks[index]["isLive"] else {"needs": marks[index]["needs"]}),
        }
        for index in code
    ]
    # A slash may be escaped: nothing ends the script early, and no comment that begins a cell reads as an address.
    inside = json.dumps(listed, ensure_ascii=False).replace("</", "<\\/").replace('"//', '"\\/\\/')
    told = f'<p id="live-intro">{LIVE_INTRO}</p>\n<script type="application/json" id="live-cells">{inside}</script>'
    intro = {"cell_type": "markdown", "id": "live", "metadata": {}, "source": told}
    numbered = [numbered_cell(cell, index) if index in code else cell for index, cell in enumerate(cells)]
    return [*numbered[:1], intro, *numbered[1:]]


def numbered_cell(cell, index):
    tags = [*cell["metadata"].get("tags", []), f"code-{index}"]
    return {**cell, "metadata": {**cell["metadata"], "tags": tags}}


CELL = re.compile(r"^```ts\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def notebook_of(text):
    """A text whose blocks of TypeScript are cells, as a notebook; each of its sections begins a cell too."""
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    parts = []
    for number, part in enumerate(CELL.split(text)):
        parts += [(code, part)] if number % 2 else [({"cell_type": "markdown"}, section) for section in re.split(r"^(?=## )", part, flags=re.MULTILINE)]
    cells = [{**kind, "id": f"part-{number}", "metadata": {}, "source": part.strip("\n")} for number, (kind, part) in enumerate(parts) if part.strip()]
    return {"cells": cells, "metadata": {"language_info": {"name": "typescript"}}, "nbformat": 4, "nbformat_minor": 5}


def live_marks(paths):
    """For each cell of these notebooks whether a page can run it, and what it needs where not."""
    node = [CHECKOUT / ".venv/bin/node", "--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
    return json.loads(subprocess.run([*node, HERE / "live/mark.ts", *paths], check=True, capture_output=True, text=True).stdout)


def notebook_texts():
    """What the notebooks have in words, by their names."""
    cells = {path.stem: json.loads(path.read_text())["cells"] for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    return {name: "\n\n".join(text_of(cell["source"]) for cell in own if cell["cell_type"] == "markdown") for name, own in cells.items()}


def placed():
    """Where on the site each of the checkout's files is that it has."""
    notebooks = {f"notebooks/{path.name}": path.name for path in NOTEBOOKS.glob("*.ipynb")}
    drawings = {f"notebooks/drawings/{path.name}": f"drawings/{path.name}" for path in (NOTEBOOKS / "drawings").glob("*.svg")}
    documents = {f"docs/{path.name}": f"docs/{path.name}" for pattern in ("*.md", "*.svg") for path in DOCUMENTS.glob(pattern)}
    return {**notebooks, **drawings, **documents, TINY: "tiny-model.ipynb"}


def main(folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "static", folder / "static")
    (folder / "docs").mkdir()
    (folder / "drawings").mkdir()
    for file in (*(HERE / "pages" / page for page in ("index.md", "cheat-sheet.md", "library.md", "references.md")), *HERE.glob("*.py")):
        shutil.copyfile(file, folder / file.name)
    with (folder / "references.md").open("a") as references:
        references.write(citation((CHECKOUT / "CITATION.cff").read_text()))
    shutil.copyfile(MATHJAX, folder / "static/mathjax.js")
    texts = notebook_texts()
    if missing := unlisted(texts.values(), (HERE / "pages/references.md").read_text()):
        sys.exit(f"docs/site/pages/references.md lacks papers that the notebooks name: arXiv {', '.join(missing)}")
    if wrong := misnumbered(texts):
        sys.exit("\n".join(wrong))
    looked_up = {"meanings": entries(texts["00-start"]), "formulas": formulas_of(texts)}
    (folder / "lookedUp.json").write_text(json.dumps(looked_up, ensure_ascii=False))
    files = placed()
    tiny = folder / files[TINY]
    tiny.write_text(json.dumps(notebook_of((CHECKOUT / TINY).read_text()), ensure_ascii=False))
    marks = live_marks([tiny, *(NOTEBOOKS / f"{name}.ipynb" for name in LIVE)])
    tiny.write_text(json.dumps(prepared(json.loads(tiny.read_text()), TINY, files, marks[tiny.stem]), ensure_ascii=False))
    for place, on in files.items():
        if place == TINY:
            continue
        source = CHECKOUT / place
        if place.endswith(".ipynb"):
            (folder / on).write_text(json.dumps(prepared(json.loads(source.read_text()), place, files, marks.get(source.stem)), ensure_ascii=False))
        elif place.endswith(".md"):
            (folder / on).write_text(on_site(source.read_text(), place, files))
        else:
            shutil.copyfile(source, folder / on)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
