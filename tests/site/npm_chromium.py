"""A Chromium from npm, for machines that have none: without a window, with the libraries and fonts that it needs."""

import os
import shutil
import subprocess
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGES = Path(__file__).resolve().parent / "npmChromium"
FAMILIES = {"sans-serif": "DejaVu Sans", "serif": "DejaVu Serif", "monospace": "DejaVu Sans Mono"}


def npm_chromium(checkout):
    """Its path, and the variables that it runs with. Raises OSError or CalledProcessError where it cannot be fetched or does not start."""
    folder = checkout / "build/siteChromium"
    unpacked = folder / "unpacked"
    if not unpacked.exists():
        fetch(checkout / ".venv/bin", folder, unpacked)
    fonts = folder / "fonts.conf"
    fonts.write_text(fontconfig(folder))
    variables = {"LD_LIBRARY_PATH": f"{unpacked}/al2023/lib", "FONTCONFIG_FILE": str(fonts)}
    program = unpacked / "chromium"
    run([program, "--version"], variables)
    return program, variables


def fetch(tools, folder, unpacked):
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    run([tools / "npm", "ci", "--prefix", folder, "--ignore-scripts", "--loglevel=error", "--no-update-notifier", "--no-audit", "--no-fund"], {"PATH": f"{tools}:{os.environ['PATH']}"})
    begun = folder / "begun"
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir()
    run([tools / "node", PACKAGES / "unpack.mjs", folder], {"TMPDIR": str(begun)})
    begun.rename(unpacked)


def fontconfig(folder):
    """The same fonts on every machine, by the names that style sheets fall back on."""
    aliases = "".join(f"<alias><family>{name}</family><prefer><family>{font}</family></prefer></alias>" for name, font in FAMILIES.items())
    places = [("dir", folder / "node_modules/dejavu-fonts-ttf/ttf"), ("cachedir", folder / "fontCache")]
    return f"<fontconfig>{''.join(f'<{name}>{escape(str(place))}</{name}>' for name, place in places)}{aliases}</fontconfig>\n"


def run(command, variables):
    subprocess.run(command, env={**os.environ, **variables}, check=True, capture_output=True, text=True)
