"""Whether a fresh run of a notebook says what its committed outputs say.

Usage: drift.py FRESH COMMITTED, which prints what differs and ends with 1 where anything does.

What has to agree follows from a cell's tags:

- none: the kinds of output, every word, the specification of every figure with its data, integers exactly, and other numbers within `tolerance`;
- `trained`, where a training decides the numbers: the same, with all numbers within `trained` and a figure's data left out;
- `free`, where the clock decides, or a choice between almost equal tokens: the kinds of output, the columns of tables, the marks of figures.

A notebook states both tolerances in its metadata, as `{"lowrank": {"tolerance": 0.001, "trained": 0.3}}`: shares of the larger of two numbers.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

TOLERANCES = {"tolerance": 0.001, "trained": 0.3}
ROUNDING = 2e-5  # sums of float32 in another order differ by so much where they should be zero
NUMBER = re.compile(r"(?:(?<![\w.)])[-−])?\d[\d,]*(?:\.\d+)?(?:e[-+−]?\d+)?")
LAYOUT = re.compile(r"[─★\s]+")  # a table's rules and padding follow the width of its numbers
VEGA_LITE = "application/vnd.vegalite.v5+json"
DATA = ("data", "datasets")


class Drift(Exception):
    """The two runs differ; its text says where."""


def text_of(value):
    return value if isinstance(value, str) else "".join(value)


def value_of(number):
    return float(number.replace(",", "").replace("−", "-"))


def is_integer(number):
    return "." not in number and "e" not in number


def last_place(number):
    """What one step in the last digit of a printed number is worth; nothing where it may be a whole number that was not rounded."""
    if is_integer(number):
        return 0.0
    digits, _, exponent = number.partition("e")
    _, _, decimals = digits.partition(".")
    return 10.0 ** (-len(decimals) + (int(exponent.replace("−", "-")) if exponent else 0))


def agree(old, new, rule, share):
    """Whether two printed numbers are the same one under a rule."""
    if old == new:
        return True
    if rule == "exact" and is_integer(old) and is_integer(new):
        return False
    a, b = value_of(old), value_of(new)
    step = max(last_place(old), last_place(new)) or 1.0
    return abs(a - b) <= share * max(abs(a), abs(b)) + ROUNDING + 1.001 * step


def said(old, new):
    """Both texts, each as a line; of long ones the part where they part."""
    lines = [" ".join(text.split()) for text in (old, new)]
    same = len(os.path.commonprefix(lines))
    start = max(0, same - 50) if max(map(len, lines)) > 120 else 0
    parts = [f"'{'…' if start else ''}{line[start : start + 110]}{'…' if len(line) > start + 110 else ''}'" for line in lines]
    return f"the committed output says {parts[0]}, a fresh run {parts[1]}"


def compare_text(old, new, rule, share):
    for before, now in zip(old.splitlines(), new.splitlines()):
        words = [LAYOUT.sub(" ", NUMBER.sub("#", text)).strip() for text in (before, now)]
        if words[0] != words[1]:
            raise Drift(said(before, now))
        for first, second in zip(NUMBER.findall(before), NUMBER.findall(now)):
            if not agree(first, second, rule, share):
                raise Drift(f"{first} became {second}: {said(before, now)}")
    lines = [len(text.splitlines()) for text in (old, new)]
    if lines[0] != lines[1]:
        raise Drift(f"{lines[0]} lines became {lines[1]}: {said(old, new)}")


def compare_spec(old, new, rule, share, place="figure"):
    """Two specifications, or parts of them. Without `exact` their data is left out, and their numbers are free, for they follow the data."""
    if isinstance(old, dict) and isinstance(new, dict):
        left = DATA if rule != "exact" else ()
        keys = [sorted(key for key in part if key not in left) for part in (old, new)]
        # The name of a data set is a hash of its values.
        if place.endswith(".datasets"):
            old, new, keys = {"set": list(old.values())}, {"set": list(new.values())}, [["set"], ["set"]]
        if keys[0] != keys[1]:
            raise Drift(f"{place} has {keys[1]}, and had {keys[0]}")
        for key in keys[0]:
            if not (key == "name" and place.endswith(".data")):
                compare_spec(old[key], new[key], rule, share, f"{place}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new) and rule == "exact":
            raise Drift(f"{place} has {len(new)} parts, and had {len(old)}")
        for index, (before, now) in enumerate(zip(old, new)):
            compare_spec(before, now, rule, share, f"{place}[{index}]")
    elif is_numeric(old) and is_numeric(new):
        if rule == "exact" and not abs(old - new) <= share * max(abs(old), abs(new)) + ROUNDING:
            raise Drift(f"{place} became {new}; committed is {old}")
    elif isinstance(old, str) and isinstance(new, str) and old != new:
        try:
            compare_text(old, new, rule, share)
        except Drift as drift:
            raise Drift(f"{place}: {drift}") from drift
    elif old != new:
        raise Drift(f"{place}: {said(json.dumps(old), json.dumps(new))}")


def is_numeric(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def marks(spec):
    """The kinds of marks in a figure, at whatever depth, in their order."""
    if isinstance(spec, list):
        return [mark for part in spec for mark in marks(part)]
    if not isinstance(spec, dict):
        return []
    own = spec.get("mark")
    kind = own.get("type") if isinstance(own, dict) else own  # a theme has marks too, without a type
    return [kind] * isinstance(kind, str) + [mark for key, part in spec.items() if key not in DATA for mark in marks(part)]


def header(html):
    return re.findall(r"<th[^>]*>(.*?)</th>", html, re.DOTALL)


def kinds(output):
    name = output.get("name") or output["output_type"]
    return [name, *sorted(output.get("data", {}))]


def compare_output(old, new, rule, share):
    if kinds(old) != kinds(new):
        raise Drift(f"its output is {kinds(new)}, and was {kinds(old)}")
    before, now = ({**output.get("data", {}), "text/plain": text_of(output.get("text", output.get("data", {}).get("text/plain", "")))} for output in (old, new))
    if rule == "free":
        columns = [header(text_of(data.get("text/html", ""))) for data in (before, now)]
        if columns[0] != columns[1]:
            raise Drift(f"its table has the columns {columns[1]}, and had {columns[0]}")
        forms = [marks(data.get(VEGA_LITE, {})) for data in (before, now)]
        if forms[0] != forms[1]:
            raise Drift(f"its figure has the marks {forms[1]}, and had {forms[0]}")
        return
    compare_text(before["text/plain"], now["text/plain"], rule, share)
    if VEGA_LITE in before:
        compare_spec(before[VEGA_LITE], now[VEGA_LITE], rule, share)


def streams_joined(outputs):
    """Neighbouring pieces of one stream as one: where it is cut is chance."""
    joined = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += text_of(output["text"])
        else:
            joined.append({**output, **({"text": text_of(output["text"])} if "text" in output else {})})
    return joined


def differences(fresh, committed):
    """What differs, a line for each cell whose outputs are not those that are committed."""
    share = {**TOLERANCES, **committed["metadata"].get("lowrank", {})}
    found = []
    for number, (old, new) in enumerate(zip(committed["cells"], fresh["cells"]), 1):
        if old["cell_type"] != "code":
            continue
        tags = old["metadata"].get("tags", [])
        rule = "free" if "free" in tags else "trained" if "trained" in tags else "exact"
        before, now = streams_joined(old["outputs"]), streams_joined(new["outputs"])
        try:
            if len(before) != len(now):
                raise Drift(f"it has {len(now)} outputs, and had {len(before)}")
            for first, second in zip(before, now):
                compare_output(first, second, rule, share["trained" if rule == "trained" else "tolerance"])
        except Drift as drift:
            found.append(f"cell {number}: {drift}")
    return found


def code_of(notebook):
    return [text_of(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def committed_version(path):
    """The notebook as the last commit has it, or as the file is where it belongs to no commit."""
    git = subprocess.run(["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True, check=False)
    return json.loads(git.stdout if git.returncode == 0 else path.read_text())


if __name__ == "__main__":
    sys.exit("\n".join(differences(*(json.loads(Path(name).read_text()) for name in sys.argv[1:3]))) or 0)
