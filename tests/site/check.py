"""Checks the site as a reader would meet it. Usage: check.py SITE TOOLS

First without a browser: dead links, requests to a network, descriptions of pictures, sizes. Then every page in a Chromium, that of npm where
the machine has none, and in a Firefox if one is here: see browser.mjs.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.append(str(CHECKOUT / "tests/notebooks"))
from pages.check_pages import check_pages
from failure import NotebookError
from npm_chromium import npm_chromium

MOST_BYTES = 2_000_000  # of a page


def too_large(pages):
    return [f"{page.name}: {page.stat().st_size / 1e6:.1f} MB; a page has at most {MOST_BYTES / 1e6:.0f}" for page in pages if page.stat().st_size > MOST_BYTES]


# The browsers that look at the site, each by the variable that names its program, and the names under which it is installed.
BROWSERS = {"chromium": ("CHROMIUM", ("chromium", "google-chrome")), "firefox": ("FIREFOX", ("firefox", "firefox-esr"))}


def browser_of(kind):
    """The program of a browser, and the variables that it runs with. Raises LookupError where there is none."""
    variable, names = BROWSERS[kind]
    program = os.environ.get(variable) or next(filter(None, map(shutil.which, names)), None)
    if program:
        return program, {}
    none = f"there is none ({variable}=path names one)"
    if kind != "chromium":
        raise LookupError(none)
    try:
        return npm_chromium(CHECKOUT)
    except (OSError, subprocess.CalledProcessError) as error:
        words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise LookupError(f"{none}, and npm's does not start: {words[-1]}") from error


def in_a_browser(kind, site, tools):
    """Whether the site is as it should be in one of the browsers, or that is not here."""
    try:
        program, variables = browser_of(kind)
    except LookupError as reason:
        print(f"site: not looked at in {kind.capitalize()}, for {reason}", flush=True)
        return True
    print(f"site: every page in {program}, a few minutes", flush=True)
    command = [CHECKOUT / ".venv/bin/node", HERE / "browser.mjs", site, tools, kind, program]
    return subprocess.run(command, env={**os.environ, **variables}).returncode == 0


def main(site, tools):
    pages = sorted([*site.glob("*.html"), *site.glob("docs/*.html")])
    try:
        check_pages(pages)
    except NotebookError as error:
        sys.exit(f"FAILED site: {error}")
    if faults := too_large(pages):
        sys.exit("\n".join(["FAILED site:", *faults]))
    looked = [in_a_browser(kind, site, tools) for kind in BROWSERS]
    sys.exit(0 if all(looked) else 1)


if __name__ == "__main__":
    main(*(Path(each).resolve() for each in sys.argv[1:]))
