"""Draws docs/layers.svg: the packages and their layers, each on top of what it uses. `--print` only prints it.

The drawing is a claim about the sources, so it is not drawn where a file imports from a layer above its own.
"""

import re
import sys
from html import escape
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
CORE = FOLDER.parent / "lib/lowrank/src"


class Box(NamedTuple):
    name: str
    text: str
    package: str
    column: int  # of 12, where the box begins
    columns: int
    row: int
    rows: int = 1


BOXES = [
    Box("notebooks", "the course, with a small package of its own", "course", 0, 12, 0),
    Box("lowrank-review", "review data, prompts, diffs, scores, experiments", "review", 0, 8, 1),
    Box("lowrank-notebook", "tables, figures, progress", "notebook", 8, 4, 1, 7),
    Box("cli", "the command lowrank", "lowrank", 0, 8, 2),
    Box("train", "AdamW, schedules, the loop, checkpoints", "lowrank", 0, 8, 3),
    Box("peft", "adapters: layers, methods, files, merging", "lowrank", 0, 8, 4),
    Box("llama", "configuration, model, tokenizer, generation", "lowrank", 0, 8, 5),
    Box("nn", "layers, formulas, quantized weights", "lowrank", 0, 8, 6),
    Box("io", "safetensors, GGUF, files written whole or not at all", "lowrank", 0, 8, 7),
    Box("runtime", "compiled functions, memory, errors, random numbers", "lowrank", 0, 12, 8),
    Box("setup/binding", "our part of the native binding, and TensorFlow's C library", "native", 0, 12, 9),
]

COLOURS = {"course": "#6d4aa8", "review": "#1a7f4b", "notebook": "#9a5b00", "lowrank": "#1f5fa8", "native": "#4a5260"}
LEGEND = {"course": "notebooks/", "review": "lib/review", "notebook": "lib/notebook", "lowrank": "lib/lowrank", "native": "C++"}

WIDTH, ROW, GAP, MARGIN = 760, 44, 6, 12


def layer_of(path):
    """The layer of a file of the core; None for the package's own index files."""
    parts = path.relative_to(CORE).parts
    return parts[0] if len(parts) > 1 else None


def upward_imports():
    rows = {box.name: box.row for box in BOXES if box.package == "lowrank"}
    for path in sorted(CORE.rglob("*.ts")):
        own = layer_of(path)
        for target in re.findall(r"(?:from|import\()\s*'(\.[^']*)'", path.read_text()):
            used = layer_of((path.parent / target / "index.ts").resolve())
            if own and used and used != own and rows[used] <= rows[own]:
                yield f"{path.relative_to(CORE)} imports {target}: {used} is not below {own}"


def drawn(box):
    """Text stands in filled boxes only, which are legible on a light and on a dark page."""
    unit = (WIDTH - 2 * MARGIN + GAP) / 12
    x, y = MARGIN + box.column * unit, MARGIN + box.row * (ROW + GAP)
    width, height = box.columns * unit - GAP, box.rows * (ROW + GAP) - GAP
    middle = x + width / 2
    wide = width > 330
    yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="6" fill="{COLOURS[box.package]}"/>'
    name = f'<tspan font-weight="600" font-family="monospace" font-size="15">{escape(box.name)}</tspan>'
    if wide:
        yield f'<text x="{middle:.1f}" y="{y + height / 2 + 5:.1f}">{name}<tspan dx="12">{escape(box.text)}</tspan></text>'
        return
    yield f'<text x="{middle:.1f}" y="{y + height / 2 - 4:.1f}">{name}</text>'
    yield f'<text x="{middle:.1f}" y="{y + height / 2 + 16:.1f}">{escape(box.text)}</text>'


def legend(y):
    step = (WIDTH - 2 * MARGIN) / len(LEGEND)
    for index, (package, text) in enumerate(LEGEND.items()):
        x = MARGIN + index * step
        yield f'<rect x="{x:.1f}" y="{y}" width="{step - GAP:.1f}" height="22" rx="11" fill="{COLOURS[package]}"/>'
        yield f'<text x="{x + (step - GAP) / 2:.1f}" y="{y + 15.5}" font-size="12">{escape(text)}</text>'


def svg():
    height = 2 * MARGIN + (max(box.row + box.rows for box in BOXES)) * (ROW + GAP) + 22
    told = "; ".join(f"{box.name}: {box.text}" for box in BOXES)
    lines = [line for box in BOXES for line in drawn(box)] + list(legend(height - MARGIN - 22))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img"',
            f'  aria-label="Layers from top to bottom. {escape(told)}"',
            '  font-family="system-ui, sans-serif" font-size="13.5" fill="#ffffff" text-anchor="middle">',
            *lines,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    if faults := list(upward_imports()):
        sys.exit("\n".join(faults))
    if "--print" in sys.argv:
        print(svg(), end="")
    else:
        (FOLDER / "layers.svg").write_text(svg())
