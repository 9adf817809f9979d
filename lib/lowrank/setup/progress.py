"""Runs a command and says how far it is: one line that renews itself on a terminal, in a pipe a line every ten seconds.

Usage: progress.py LABEL TOTAL PATTERN -- COMMAND...     PATTERN finds one finished item in a line of the output; its group names it

What the command prints is shown only where it fails.
"""

import re
import shutil
import subprocess
import sys
import time

SECONDS_BETWEEN_LINES = 10


def main():
    label, total, pattern, _, *command = sys.argv[1:]
    display = Display(label, int(total))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    printed, seen = [], set()
    for line in process.stdout:
        printed.append(line)
        if (found := re.search(pattern, line)) and found[1] not in seen:
            seen.add(found[1])
            display.show(len(seen), found[1])
    code = process.wait()
    display.finish(code)
    if code != 0:
        sys.stderr.write("".join(printed[-200:]))
        sys.exit(code)


class Display:
    def __init__(self, label, total):
        self.label, self.total = label, total
        self.is_terminal = sys.stderr.isatty()
        self.started = self.last = time.monotonic()
        self.write(f"setup: {label} …", ends=not self.is_terminal)

    def show(self, count, item):
        now = time.monotonic()
        if not self.is_terminal and now - self.last < SECONDS_BETWEEN_LINES:
            return
        self.last = now
        share = f"{min(count, self.total)} of {self.total}"
        self.write(f"setup: {self.label}: {share}, {item}", ends=not self.is_terminal)

    def finish(self, code):
        seconds = f"{time.monotonic() - self.started:.0f} s"
        self.write(f"setup: {self.label}: {seconds if code == 0 else f'failed after {seconds}'}", ends=True)

    def write(self, text, ends):
        width = shutil.get_terminal_size().columns or 80
        start = "\r\033[K" if self.is_terminal else ""
        sys.stderr.write(start + (text[: width - 1] if self.is_terminal else text) + ("\n" if ends else ""))
        sys.stderr.flush()


main()
