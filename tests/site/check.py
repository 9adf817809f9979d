"""Checks the site as a reader would meet it. Usage: check.py SITE TOOLS

First without a browser: dead links, requests to a network, descriptions of pictures, sizes. Then, where there is a Chromium, every page in
it: see browser.mjs.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.append(str(CHECKOUT / "tests/notebooks"))
from check_pages import check_pages
from failure import NotebookError

MOST_BYTES = 2_000_000  # of a page


def too_large(pages):
    return [f"{page.name}: {page.stat().st_size / 1e6:.1f} MB; a page has at most {MOST_BYTES / 1e6:.0f}" for page in pages if page.stat().st_size > MOST_BYTES]


def in_a_browser(site, tools):
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        print("site: not looked at in a browser, for there is none (CHROMIUM=path names one)")
        return 0
    print(f"site: every page in {browser}, a few minutes", flush=True)
    return subprocess.run([CHECKOUT / ".venv/bin/node", HERE / "browser.mjs", site, tools, browser]).returncode


def main(site, tools):
    pages = sorted([*site.glob("*.html"), *site.glob("docs/*.html")])
    try:
        check_pages(pages)
    except NotebookError as error:
        sys.exit(f"FAILED site: {error}")
    if faults := too_large(pages):
        sys.exit("\n".join(["FAILED site:", *faults]))
    sys.exit(in_a_browser(site, tools))


if __name__ == "__main__":
    main(*(Path(each).resolve() for each in sys.argv[1:]))
