"""Read by `nbconvert --execute`: notes each cell that begins, with how many there are, where execute.py looks for it."""

import os
from pathlib import Path

c = get_config()  # noqa: F821, which nbconvert defines
REPORT = Path(os.environ["LOWRANK_CELLS"])
cells = []


def began(notebook):
    cells.extend(notebook.cells)


def at_cell(cell, cell_index):
    REPORT.write_text(f"{cell_index + 1} {len(cells)}")


c.ExecutePreprocessor.on_notebook_start = began
c.ExecutePreprocessor.on_cell_start = at_cell
