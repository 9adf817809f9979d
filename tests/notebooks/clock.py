"""How far a run of the notebooks is, how long it will take, and how long one cell may."""

import json
import shutil
import sys
import threading
import time

SECONDS_PER_CELL = 1200  # on two quiet cores, where the slowest cell takes about 100; beside other work it has taken more than 600
SECONDS_BETWEEN_LINES = 10
PROBE_SECONDS = 0.12  # what the probe takes on such a core
# About what each notebook takes there, in seconds, for a checkout that has measured nothing yet.
EXPECTED = {"02-lora": 100, "04-seeing-the-update": 50, "05-code-review-model": 300, "07-adapters-in-practice": 80, "08-from-hunk-to-review": 135, "09-making-it-fast": 20, "11-takeaways": 140}
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
        self.running = {}  # name: when it began, and the cell that it is at
        self.begun = time.monotonic()
        self.spent = self.foreseen = 0.0
        self.worst = 1.0
        self.shown_at = 0.0
        self.lock = threading.Lock()

    def expected(self, name):
        return self.measured.get(name, EXPECTED.get(name, OTHERS))

    def cell_limit(self):
        """Seconds that one cell may take: more where this machine has been slower than the one that the limit is for."""
        self.worst = max(self.worst, slowness(), self.spent / self.foreseen if self.foreseen else 1.0)
        return round(SECONDS_PER_CELL * self.worst)

    def seconds_left(self, now):
        """What is left, at the pace of this run so far; notebooks that run side by side make it faster than the sum of their times."""
        under_way = [min(now - began, self.expected(name)) for name, (began, _) in self.running.items()]
        done = self.foreseen + sum(under_way)
        left = sum(self.expected(name) for name in [*self.waiting, *self.running]) - sum(under_way)
        pace = (now - self.begun) / done if done > OTHERS else 1.0
        return max(0.0, left * pace)

    def show(self, name, cell):
        """Renews one line on a terminal; in a pipe, prints a line every ten seconds."""
        with self.lock:
            now = time.monotonic()
            began, _ = self.running[name]
            self.running[name] = (began, cell)
            where = "; ".join(f"{each}: cell {at}, {now - since:.0f} s" for each, (since, at) in self.running.items())
            text = f"{where}, about {minutes(self.seconds_left(now))} left in all"
            if self.stream.isatty():
                width = shutil.get_terminal_size().columns or 80
                self.stream.write(f"\r\033[K{text[: width - 1]}")
            elif now - self.shown_at >= SECONDS_BETWEEN_LINES and now - self.begun >= SECONDS_BETWEEN_LINES:
                self.stream.write(f"{text}\n")
            else:
                return
            self.shown_at = now
            self.stream.flush()

    def begins(self, name):
        with self.lock:
            self.waiting.remove(name)
            self.running[name] = (time.monotonic(), "0 of 0")

    def finished(self, name):
        """Keeps what a notebook took."""
        with self.lock:
            began, _ = self.running.pop(name)
            seconds = time.monotonic() - began
            self.spent += seconds
            self.foreseen += self.expected(name)
            self.measured[name] = round(seconds, 1)
            self.path.write_text(json.dumps(self.measured, indent=1, sort_keys=True) + "\n")
            self.clear()

    def skipped(self, name):
        with self.lock:
            self.waiting.remove(name)

    def clear(self):
        if self.stream.isatty():
            self.stream.write("\r\033[K")
            self.stream.flush()


def minutes(seconds):
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
