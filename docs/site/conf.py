"""Configuration of Sphinx. Everything that a page needs lies beside it, so that it reads from a disk as it does from a server."""

import json
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
from glossary import with_glossary
from numbered import with_numbers, with_references
from reference import pages_of, with_links

project = "Fine-tuning large language models with adapters"
author = copyright = "The lowrank maintainers"
html_title = "Fine-tuning with adapters"
language = "en"

extensions = ["myst_nb", "sphinx_copybutton"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the notebooks come with their outputs
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0)]

html_theme = "sphinx_book_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("figures.js", {"defer": "defer"})]
mathjax_path = "mathjax.js"
mathjax3_config = {"options": {"enableMenu": False}, "tex": {"tags": "ams"}}
html_show_search_summary = False  # it would be fetched, which a page read from a disk may not
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the search has its place in the sidebar
}
suppress_warnings = ["mystnb.unknown_mime_type", "misc.highlighting_failure"]
exclude_patterns = ["static"]
html_context = {"default_mode": "auto"}


LOOKED_UP = json.loads((Path(__file__).parent / "lookedUp.json").read_text())
CHAPTER = re.compile(r"(\d\d)-[\w-]+$")


def finished(app, page, _template, context, _doctree):
    """Numbers figures and formulas, leads from names, words and numbers to their places; and an empty first cell of a table's head is none."""
    body = context.get("body", "").replace('<th class="head"><p></p></th>', "<td></td>")
    if chapter := CHAPTER.match(page):
        body = with_references(with_numbers(body, int(chapter[1])), LOOKED_UP["formulas"])
    if chapter or page == "tiny-model":
        body = with_glossary(body, LOOKED_UP["meanings"])
    context["body"] = with_links(body, app.config.reference_pages, "../" * page.count("/"))


def setup(app):
    app.add_config_value("reference_pages", pages_of(Path("build/reference")), "html")
    app.connect("html-page-context", finished)
