"""Applies patches in the unified format exactly: every line of context must stand where the patch says.

Usage: patch.py FOLDER PATCH...     (`patch -p1` without the program, which a bare Debian does not have)
"""

import re
import sys
from pathlib import Path


def main():
    folder, *patches = map(Path, sys.argv[1:])
    for patch in patches:
        for name, hunks in files_of(patch.read_text()):
            target = folder / name
            target.write_text(applied(target.read_text(), hunks, f"{patch.name}, {name}"))


def files_of(text):
    """The file names of a patch, without their first folder, each with its hunks: the line where it begins, and its lines."""
    for part in re.split(r"^--- .*\n(?=\+\+\+ )", text, flags=re.MULTILINE)[1:]:
        head, *rest = re.split(r"^@@ -(\d+).*@@.*\n", part, flags=re.MULTILINE)
        name = re.match(r"\+\+\+ [^/]+/(\S+)", head)[1]
        yield name, [(int(start), re.findall(r"^[ +-].*\n|^\n", body, flags=re.MULTILINE)) for start, body in zip(rest[::2], rest[1::2])]


def applied(text, hunks, place):
    lines = text.splitlines(keepends=True)
    for start, changes in reversed(hunks):  # from the end, so that the numbers of lines above stay right
        before = [line[1:] or "\n" for line in changes if not line.startswith("+")]
        after = [line[1:] or "\n" for line in changes if not line.startswith("-")]
        found = lines[start - 1 : start - 1 + len(before)]
        if found != before:
            sys.exit(f"patch.py: {place}: line {start} is not what the patch expects; the npm package is another version")
        lines[start - 1 : start - 1 + len(before)] = after
    return "".join(lines)


main()
