"""Checks the rendered pages as a reader would find them: folded answers, links, descriptions of figures, and no request to a network."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

from failure import NotebookError

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
OUTSIDE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
STYLE_REQUEST = re.compile(r"url\(\s*['\"]?\s*(?:https?:)?//[^)]*|@import[^;]*", re.IGNORECASE)
# An address has a host right after its slashes; a string of code that begins with a comment has not.
SCRIPT_REQUEST = re.compile(r"['\"`](?:https?:)?//[^\s'\"`][^'\"`]*", re.IGNORECASE)
REQUESTS = {"src", "srcset", "data", "poster", "background", "action"}


class Page(HTMLParser):
    """What one page links to and loads, and what is wrong with it by itself."""

    def __init__(self, text):
        super().__init__()
        self.faults, self.links, self.files, self.ids = [], [], [], set()
        self.open = []  # names of open tags
        self.answers = []  # for each open <details>: what it holds beside its summary
        self.title = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag not in VOID:
            self.open.append(tag)
        if tag == "details":
            self.answers.append("")
        elif tag not in ("summary", "p", "div", "br") and self.answers and "summary" not in self.open:
            self.answers[-1] += f"<{tag}>"
        for name in ("id", "name"):
            if given.get(name):
                self.ids.add(given[name])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img" and (not given.get("alt", "").strip() or given["alt"].startswith("No description has been provided")):
            self.faults.append(f"an image has no description: {given.get('src', '')[:60]}")
        loaded = [given[name] for name in given.keys() & REQUESTS]
        if tag == "link":
            loaded.append(given.get("href", ""))
        for address in loaded:
            if OUTSIDE.match(address):
                self.faults.append(f"<{tag}> asks the network for {address}")
            elif address and not address.startswith(("data:", "#")):
                self.files.append(address.partition("?")[0])  # what follows is a version of the file
        self.faults += [f"a style asks the network: {each[0]}" for each in STYLE_REQUEST.finditer(given.get("style", ""))]

    def handle_endtag(self, tag):
        if tag == "details" and self.answers and not self.answers.pop().strip():
            self.faults.append("an answer has nothing folded into it: <details> is empty")
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "title":
            self.title += data
        if inside == "style":
            self.faults += [f"a style asks the network: {each[0]}" for each in STYLE_REQUEST.finditer(data)]
        elif inside == "script":
            self.faults += [f"a script asks the network: {each[0]}" for each in SCRIPT_REQUEST.finditer(data)]
        elif self.answers and "summary" not in self.open:
            self.answers[-1] += data


def check_pages(paths):
    """Fails with everything that is wrong in the pages, each by its file name."""
    pages = {path.resolve(): Page(path.read_text()) for path in paths}
    faults = []
    for path, page in pages.items():
        found = list(page.faults)
        if page.answers:
            found.append("a <details> is never closed")
        if page.title.strip() in ("", path.stem, "Untitled"):
            found.append("the page has no title of its own: begin the notebook with '# …'")
        found += [fault for href in page.links if (fault := dead(href, path, pages))]
        found += [f"{file} is not there" for file in page.files if not (path.parent / unquote(file)).is_file()]
        faults += [f"{path.name}: {fault}" for fault in dict.fromkeys(found)]
    if faults:
        raise NotebookError("\n".join(faults))


def dead(href, path, pages):
    """What is wrong with a link, or nothing; addresses of the network are the reader's to follow."""
    if re.match(r"[a-z][a-z0-9+.-]*:|//", href, re.IGNORECASE):
        return None
    name, _, fragment = href.partition("#")
    if name.endswith(".ipynb"):
        return f"a link leads to a notebook's source: {href}"
    target = (path.parent / unquote(name)).resolve() if name else path
    if not target.exists():
        return f"a link leads nowhere: {href}"
    if fragment and target in pages and pages[target].ids.isdisjoint({fragment, unquote(fragment)}):  # as browsers look for it
        return f"a link leads to a place that is not on the page: {href}"
    return None
