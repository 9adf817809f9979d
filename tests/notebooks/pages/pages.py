"""Renders executed notebooks as pages that are read without a network, and an index of them."""

import html
import json
import logging
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import jinja2
import nbformat
from nbconvert.exporters import HTMLExporter

from failure import NotebookError

CHECKOUT = Path(__file__).resolve().parents[3]
SITE = Path(__file__).with_name("site")
MATHJAX = CHECKOUT / ".venv/share/mathjax/node_modules/mathjax/es5/tex-svg-full.js"
# What every page loads, by the name that it has beside the pages.
SCRIPTS = {
    "mathjax.js": MATHJAX,
    "vega.js": CHECKOUT / "node_modules/vega/build/vega.min.js",
    "vega-lite.js": CHECKOUT / "node_modules/vega-lite/build/vega-lite.min.js",
    "figures.js": SITE / "figures.js",
}
VEGA_LITE = "application/vnd.vegalite.v5+json"
COURSE = "Fine-tuning large language models with adapters"
INDEX = "index.html"
LINK = re.compile(r'(<a\b[^>]*?\bhref=")([^"]*)(")')
DRAWING = re.compile(r'(<img\b[^>]*?\bsrc=")(?!data:)([^"]*)(")')
HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.IGNORECASE)


class Remarks(logging.Handler):
    """Keeps what nbconvert warns of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


class Pages:
    """The pages of one folder of notebooks, written into `build`."""

    def __init__(self, folder, build):
        self.folder, self.build = folder, build
        self.remarks = Remarks()
        log = logging.getLogger("pages")
        log.propagate = False
        log.handlers = [self.remarks]
        self.exporter = HTMLExporter(template_name="site", extra_template_basedirs=[str(SITE.parent)], log=log)
        for name, file in SCRIPTS.items():
            shutil.copyfile(file, build / name)

    def render(self, executed):
        """Renders one executed notebook, whose copy lies in `build`; a warning of nbconvert is an error."""
        notebook = nbformat.read(executed, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                data.pop("image/png", None)  # see Figure: it is there for JupyterLab alone
                data.get(VEGA_LITE, {}).pop("$schema", None)  # an address, which nothing reads
        notebook.metadata["title"] = title_of(notebook)
        self.remarks.texts.clear()
        page, _ = self.exporter.from_notebook_node(notebook)
        if self.remarks.texts:
            raise NotebookError("nbconvert warns: " + "; ".join(self.remarks.texts))
        for reference in (LINK, DRAWING):
            page = reference.sub(lambda found: found[1] + html.escape(self.target(html.unescape(found[2]))) + found[3], page)
        executed.with_suffix(".html").write_text(page)

    def target(self, href):
        """Where a link or a drawing of a notebook leads from its page: to the page of another notebook, or to a file of the checkout."""
        if href == INDEX or HAS_SCHEME.match(href):
            return href
        path, mark, fragment = href.partition("#")
        if path.endswith(".ipynb") and "/" not in path:
            return path.removesuffix(".ipynb") + ".html" + mark + fragment
        return os.path.relpath(self.folder / unquote(path), self.build) + mark + fragment

    def write_index(self, notebooks):
        """Writes the index: the road through the course, with each notebook's own title and times."""
        heads = [(notebook, json.loads(notebook.read_text())) for notebook in notebooks]
        pages = [{"href": f"{path.stem}.html", "title": title_of(notebook), "time": time_of(notebook)} for path, notebook in heads]
        template = jinja2.Environment(autoescape=True).from_string((SITE / INDEX).read_text())
        (self.build / INDEX).write_text(template.render(title=COURSE, pages=pages))


def texts_of(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            yield cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def title_of(notebook):
    """The first heading of a notebook."""
    found = (re.search(r"^# (.+)$", text, re.MULTILINE) for text in texts_of(notebook))
    return next((re.sub(r"[*`]", "", each[1]).strip() for each in found if each), "Untitled")


def time_of(notebook):
    """What a notebook's head says of its reading and running time."""
    found = (re.search(r"\*\*Time:\*\* ([^·\n]+)", text) for text in texts_of(notebook))
    return next((each[1].strip() for each in found if each), "")
