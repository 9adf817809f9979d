"""Runs the notebooks two at a time where cores and memory are there for it: one leaves a core idle for a third of its time."""

import json
import os
import re
import threading

MEMORY = re.compile(r"\*\*Memory:\*\* (?:under )?([\d.]+) GB")  # as the first cell says
RESERVE = 1.0  # GB that are left to others


def available():
    """GB that a new process may take."""
    with open("/proc/meminfo") as lines:
        return int(re.search(r"MemAvailable:\s+(\d+)", lines.read()).group(1)) / 1e6


class Notebook:
    """What a notebook asks of the machine."""

    def __init__(self, path):
        content = json.loads(path.read_text())
        first = "".join(content["cells"][0]["source"]) if content["cells"] else ""
        stated = MEMORY.search(first)
        self.path = path
        self.memory = float(stated.group(1)) if stated else 2.0
        self.is_alone = content["metadata"].get("lowrank", {}).get("alone", False)  # it measures times


class SideBySide:
    """Hands out notebooks in their order, those that want to be alone at the end, and ends at the first error."""

    def __init__(self, paths, at_once):
        notebooks = [Notebook(path) for path in paths]
        self.waiting = sorted(notebooks, key=lambda notebook: notebook.is_alone)
        self.at_once = at_once
        self.free = available()
        self.running = []
        self.error = None
        self.changed = threading.Condition()

    def fits(self, notebook):
        if not self.running:
            return True
        alone = notebook.is_alone or any(other.is_alone for other in self.running)
        memory = sum(other.memory for other in self.running) + notebook.memory + RESERVE
        return not alone and len(self.running) < self.at_once and memory <= self.free

    def take(self):
        """The next notebook, once there is room for it; nothing at the end."""
        with self.changed:
            while self.waiting and not self.error:
                if self.fits(self.waiting[0]):
                    notebook = self.waiting.pop(0)
                    self.running.append(notebook)
                    return notebook
                self.changed.wait()
            return None

    def give_back(self, notebook, error=None):
        with self.changed:
            self.running.remove(notebook)
            self.error = self.error or error
            self.changed.notify_all()

    def run(self, work):
        """Calls `work` with the path of each; the first error ends all, as soon as the others have noticed `error`."""

        def lane():
            while notebook := self.take():
                error = None
                try:
                    work(notebook.path)
                except BaseException as caught:  # raised again by `run`
                    error = caught
                self.give_back(notebook, error)

        lanes = [threading.Thread(target=lane, daemon=True) for _ in range(self.at_once)]
        for each in lanes:
            each.start()
        try:
            for each in lanes:
                each.join()
        except BaseException as stop:  # Ctrl-C: the lanes end what they have begun
            self.error = stop
            for each in lanes:
                each.join()
        if self.error:
            raise self.error


def at_once():
    """Two on two cores or more."""
    return 2 if len(os.sched_getaffinity(0)) > 1 else 1
