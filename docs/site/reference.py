"""Joins the pages of the reference to the course, in both directions.

Usage: reference.py REFERENCE SITE, which copies typedoc's pages into the site and leads from each back to the course.
"""

import os
import re
import shutil
import sys
from pathlib import Path

KINDS = ("classes", "functions", "interfaces", "types", "variables")
TOOLBAR = '<div class="tsd-toolbar-contents container">'
CODE = re.compile(r'(<a [^>]*>)?<code class="docutils literal notranslate"><span class="pre">(\w+)(\(\))?</span></code>')
HAS_CAPITAL = re.compile(r"[A-Z]")


def pages_of(reference):
    """The page of each public name, from the reference's folder. A name without a capital may be any word, and leads nowhere."""
    found = {}
    for kind in KINDS:
        for page in sorted((reference / kind).glob("*.html")):
            name = page.stem.rpartition(".")[2]
            if HAS_CAPITAL.search(name):
                found.setdefault(name, f"reference/{kind}/{page.name}")
    return found


def with_links(body, pages, up):
    """The text of a page whose names of classes and functions lead to their pages."""

    def linked(found):
        link, name, _ = found.groups()
        if link or name not in pages:
            return found[0]
        return f'<a class="reference-page" href="{up}{pages[name]}">{found[0]}</a>'

    return CODE.sub(linked, body)


def main(reference, site):
    shutil.copytree(reference, site / "reference")
    for page in (site / "reference").rglob("*.html"):
        home = os.path.relpath(site / "index.html", page.parent)
        text = page.read_text()
        if TOOLBAR not in text:
            sys.exit(f"{page}: no toolbar to put the way back to the course into; typedoc has changed")
        page.write_text(text.replace(TOOLBAR, f'{TOOLBAR}<a href="{home}" class="title">The course</a>', 1))


if __name__ == "__main__":
    main(*(Path(each) for each in sys.argv[1:]))
