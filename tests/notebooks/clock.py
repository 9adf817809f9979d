"""How far a run of the notebooks is, how long it will take, and how long one cell may."""

import json
import shutil
import sys
import time

SECONDS_PER_CELL = 600  # on two quiet cores; the slowest cell takes about 100
SECONDS_BETWEEN_LINES = 10
PROBE_SECONDS = 0.12  # what the probe takes on such a core
# About what each notebook takes there, in seconds, for a checkout that has measured nothing yet.
EXPECTED = {"02-lora": 100, "04-seeing-the-update": 50, "05-code-review-model": 300, "07-adapters-in-practice": 80, "08-from-hunk-to-review": 135, "09-making-it-fast": 20, "11-takeaways": 185}
OTHERS = 20


def slowness():
    """How many times slower than a quiet core of two this machine is now; 1 at least."""
    begun = time.perf_counter()
    total = 0
    for number in range(2_000_000):
        total += number
    return max(1.0, (time.perf_counter() - begun) / PROBE_SECONDS)


class Clock:
    """Knows what earlier runs took, from a file in the build folder, and shows where this one is."""

    def __init__(self, build, names, stream=sys.stderr):
        self.path, self.stream = build / "seconds.json", stream
        self.measured = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.waiting = list(names)
        self.spent = self.foreseen = 0.0
        self.worst = 1.0
        self.shown_at = 0.0

    def expected(self, name):
        return self.measured.get(name, EXPECTED.get(name, OTHERS))

    def cell_limit(self):
        """Seconds that one cell may take: more where this machine has been slower than the one that the limit is for."""
        self.worst = max(self.worst, slowness(), self.spent / self.foreseen if self.foreseen else 1.0)
        return round(SECONDS_PER_CELL * self.worst)

    def seconds_left(self, seconds):
        """What is left after `seconds` of the first notebook that waits, at the pace of this run so far."""
        pace = self.spent / self.foreseen if self.foreseen else 1.0
        first, *rest = [self.expected(name) * pace for name in self.waiting]
        return max(0.0, first - seconds) + sum(rest)

    def show(self, cell, seconds):
        """Renews one line on a terminal; in a pipe, prints a line every ten seconds."""
        name = self.waiting[0]
        text = f"{name}: cell {cell}, {seconds:.0f} s, about {minutes(self.seconds_left(seconds))} left in all"
        now = time.monotonic()
        if self.stream.isatty():
            width = shutil.get_terminal_size().columns or 80
            self.stream.write(f"\r\033[K{text[: width - 1]}")
        elif now - self.shown_at >= SECONDS_BETWEEN_LINES and seconds >= SECONDS_BETWEEN_LINES:
            self.stream.write(f"{text}\n")
        else:
            return
        self.shown_at = now
        self.stream.flush()

    def finished(self, seconds):
        """Keeps what a notebook took."""
        name = self.waiting.pop(0)
        self.spent += seconds
        self.foreseen += self.expected(name)
        self.measured[name] = round(seconds, 1)
        self.path.write_text(json.dumps(self.measured, indent=1, sort_keys=True) + "\n")
        self.clear()

    def skipped(self):
        self.waiting.pop(0)

    def clear(self):
        if self.stream.isatty():
            self.stream.write("\r\033[K")
            self.stream.flush()


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
