"""Type-checks and executes the notebooks, and fails where anything in them does.

Usage: execute.py --to build|notebooks [--folder FOLDER] [--check] [NAME...]

`--to build` writes executed copies and HTML into build/, and fails where the outputs are no longer those of the commit (see drift.py);
`--to notebooks` writes the outputs back, cleaned.
The gate is the exit code of `jupyter nbconvert --execute`, and on top of it: the type check, errors that reach nobody's
cell (see lib/lowrank/setup/jupyter/kernelGuard.js), text on stderr, cells that should show something and do not, and rendered pages that
would not read as they should (see check_pages.py).
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import drift
import stamps
from pages.check_pages import check_pages
from clock import Clock
from failure import NotebookError
from pages.pages import Pages
from sideBySide import SideBySide, at_once

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.append(str(CHECKOUT / "lib/lowrank/setup"))
import own_environment

NBCONVERT = (sys.executable, "-m", "nbconvert", "--log-level=WARN")
KERNELSPEC = {"display_name": "TypeScript", "language": "typescript", "name": "tslab"}
LANGUAGE = {
    "codemirror_mode": {"mode": "typescript", "name": "javascript", "typescript": True},
    "file_extension": ".ts",
    "mimetype": "text/typescript",
    "name": "typescript",
    "version": "3.7.2",
}
SHOWS = re.compile(r"^(await show\(|console\.log\(|check\()", re.MULTILINE)
FOLDED = {"source_hidden": True, "outputs_hidden": True}  # how JupyterLab folds a cell


def run(command, environment):
    done = subprocess.run([str(part) for part in command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def end_kernels(report):
    """Kills what is left of a run, which is known by its environment: a kernel in an endless loop outlives nbconvert."""
    mark = f"LOWRANK_HEADLESS={report}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue  # it ended by itself, or is not ours


def typecheck(notebooks):
    node = CHECKOUT / ".venv/bin/node"
    checker = Path(__file__).with_name("typecheck.ts")
    code, output = run([node, "--disable-warning=ExperimentalWarning", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", checker, *notebooks], os.environ)
    if code != 0:
        raise NotebookError(f"the cells do not pass tsc --strict\n{output.strip()}")


def run_watched(command, environment, name, clock, scratch, is_over):
    """As `run`, and says meanwhile which cell it is at; ends early once another notebook has failed."""
    cells = scratch / "cells"
    with (scratch / "printed").open("w+") as printed:
        process = subprocess.Popen(
            [str(part) for part in command], env={**environment, "LOWRANK_CELLS": str(cells)}, stdout=printed, stderr=subprocess.STDOUT
        )
        while True:
            try:
                code = process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                if is_over():
                    process.terminate()
                cell, total = (cells.read_text().split() if cells.exists() else []) or ("0", "0")
                clock.show(name, f"{cell} of {total}")
        printed.seek(0)
        return code, printed.read()


def execute(notebook, folder, clock, is_over):
    """Executes a notebook with nbconvert; the executed copy lies in `folder` afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "errors"
        environment = {**os.environ, "LOWRANK_HEADLESS": str(report), "LOWRANK_STABLE_OUTPUT": "1", "JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_PATH": ""}
        environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        command = [
            *(*NBCONVERT, "--to", "notebook", "--execute", "--config", Path(__file__).with_name("nbconvert_config.py")),
            *(f"--ExecutePreprocessor.timeout={clock.cell_limit()}", "--ExecutePreprocessor.kernel_name=tslab"),
            *("--output-dir", folder, "--output", notebook.stem, notebook),
        ]
        try:
            code, output = run_watched(command, environment, notebook.stem, clock, Path(scratch), is_over)
        finally:
            end_kernels(report)
        if report.exists():
            raise NotebookError(report.read_text().strip())
        if code != 0:
            *_, message = output.partition("nbclient.exceptions.")  # what the cell said, without nbconvert's own stack
            raise NotebookError(f"nbconvert ended with {code}\n{(message or output).strip()[-4000:]}")


def text_of(value):
    return value if isinstance(value, str) else "".join(value)


def check_outputs(notebook):
    """Fails on stderr, and on cells that call `show` or `console.log` and have no output."""
    is_shown = False
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] != "code":
            continue
        is_shown = is_shown or bool(cell["outputs"])
        is_meant_to_fail = "raises-exception" in cell["metadata"].get("tags", [])
        for output in cell["outputs"]:
            if output.get("name") == "stderr" and not is_meant_to_fail:
                raise NotebookError(f"cell {number} wrote to stderr:\n{text_of(output['text']).strip()}")
        if SHOWS.search(text_of(cell["source"])) and not cell["outputs"]:
            raise NotebookError(f"cell {number} shows nothing")
        printed = "".join(text_of(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")
        wrong = next((line for line in printed.splitlines() if line.startswith(("✗", "… no answer"))), None)
        if wrong and "solution" in cell["metadata"].get("tags", []):
            raise NotebookError(f"cell {number} is a solution, and its check says: {wrong}")
    if not is_shown:
        raise NotebookError("no cell has any output")


def cleaned(notebook):
    """The notebook without anything that differs from one run to the next for no reason, and with its solutions folded."""
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
        if "solution" in (tags or []):
            cell["metadata"]["jupyter"] = FOLDED
        if cell["cell_type"] != "code":
            continue
        cell["execution_count"] = None
        outputs = []
        for output in cell["outputs"]:
            before = outputs[-1] if outputs else {}
            if output["output_type"] == "stream" and before.get("name") == output["name"]:
                before["text"] = text_of(before["text"]) + text_of(output["text"])
                continue
            if "metadata" in output:
                output["metadata"] = {}
            outputs.append(output)
        for output in outputs:
            if output["output_type"] == "stream":
                output["text"] = text_of(output["text"]).splitlines(keepends=True)
        cell["outputs"] = outputs
    metadata = {"kernelspec": KERNELSPEC, "language_info": LANGUAGE}
    if "lowrank" in notebook.get("metadata", {}):
        metadata["lowrank"] = notebook["metadata"]["lowrank"]  # its tolerances; see drift.py
    return {**notebook, "metadata": metadata}


def write_back(executed, notebook):
    text = json.dumps(cleaned(executed), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    for private in (str(CHECKOUT), str(Path.home()), os.uname().nodename):
        if len(private) > 3 and private in text:
            raise NotebookError(f"an output holds '{private}', which is of this machine only")
    notebook.write_text(text)


def other_inputs():
    """What makes this run another one than that of the committed outputs, if anything does."""
    variables = [name for name in ("MODEL", "REVIEW_DATA", "ADAPTERS") if os.environ.get(name)]
    chosen = CHECKOUT / ".venv/done/tensorflow"
    return [*variables, *(["a GPU"] if chosen.exists() and chosen.read_text().strip() == "gpu" else [])]


def check_drift(executed, notebook):
    """Fails where the outputs are no longer those of the commit; says so where there is nothing to compare with."""
    committed = drift.committed_version(notebook)
    if drift.code_of(committed) != drift.code_of(executed):
        print(f"{notebook.name}: its code is not that of the last commit, so its outputs are not compared", flush=True)
    elif other := other_inputs():
        print(f"{notebook.name}: run with {' and '.join(other)}, so its outputs are not compared with the committed ones", flush=True)
    elif any(cell.get("outputs") for cell in committed["cells"]):
        if found := drift.differences(cleaned(executed), committed):
            advice = "`make refresh` writes new outputs; tests/notebooks/drift.py says which tags let a cell differ"
            raise NotebookError("\n".join(["its outputs are no longer those that are committed", *found, advice]))


def keep(notebook, arguments, pages):
    """Checks what a run came to, and writes its page, its stamp, and where asked the notebook itself."""
    copy = arguments.build / notebook.name
    executed = json.loads(copy.read_text())
    check_outputs(executed)
    if arguments.to == "notebooks":
        write_back(executed, notebook)
    else:
        check_drift(executed, notebook)
    pages.render(copy)
    stamps.keep(notebook, arguments.build)


def main():
    own_environment.apply()
    parser = argparse.ArgumentParser(description="Executes the notebooks")
    parser.add_argument("--to", choices=["build", "notebooks"], default="build")
    parser.add_argument("--folder", type=Path, default=CHECKOUT / "notebooks", help="where the notebooks are")
    parser.add_argument("--build", type=Path, default=CHECKOUT / "build", help="where executed copies and HTML go")
    parser.add_argument("--at-once", type=int, help="how many notebooks run side by side")
    parser.add_argument("--check", action="store_true", help="only check the types")
    parser.add_argument("names", nargs="*", help="file names without .ipynb; all notebooks if none is given")
    arguments = parser.parse_args()

    notebooks = sorted(arguments.folder.glob("*.ipynb"))
    if arguments.names:
        notebooks = [arguments.folder / f"{name}.ipynb" for name in arguments.names]
    if not notebooks:
        sys.exit(f"no notebooks in {arguments.folder}")
    arguments.build.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    name = "type check"
    try:
        typecheck(notebooks)
        print(f"types of {len(notebooks)} notebooks: {time.monotonic() - started:.0f} s", flush=True)
        if arguments.check:
            return
        pages = Pages(arguments.folder.resolve(), arguments.build.resolve())
        clock = Clock(arguments.build, [notebook.stem for notebook in notebooks])
        # Outputs that are kept have times in them: there nothing else runs.
        beside = arguments.at_once or (1 if arguments.to == "notebooks" else at_once())
        longest_first = sorted(notebooks, key=lambda notebook: -clock.expected(notebook.stem))  # else one core waits for it at the end
        lanes = SideBySide(longest_first if beside > 1 else notebooks, beside)
        one_at_a_time = threading.Lock()

        def work(notebook):
            begun = time.monotonic()
            try:
                if arguments.to == "build" and not os.environ.get("FORCE") and stamps.is_done(notebook, arguments.build):
                    clock.skipped(notebook.stem)
                    print(f"{notebook.name}: unchanged since it was executed (FORCE=1 executes it again)", flush=True)
                    return
                clock.begins(notebook.stem)
                execute(notebook, arguments.build, clock, lambda: lanes.error is not None)
                with one_at_a_time:
                    keep(notebook, arguments, pages)
                    clock.finished(notebook.stem)
                    print(f"{notebook.name}: {time.monotonic() - begun:.0f} s", flush=True)
            except NotebookError as error:
                raise NotebookError(f"{notebook.name}: {error}") from error

        name = "notebooks"
        lanes.run(work)
        name = "pages"
        rendered = [arguments.build / f"{notebook.stem}.html" for notebook in sorted(arguments.folder.glob("*.ipynb"))]
        rendered = [page for page in rendered if page.exists()]
        pages.write_index([page.with_suffix(".ipynb") for page in rendered])
        if not arguments.names:  # else pages of other notebooks may be missing
            check_pages([*rendered, arguments.build / "index.html"])
    except NotebookError as error:
        sys.exit(f"\nFAILED {error}" if name == "notebooks" else f"\nFAILED {name}: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; what was executed so far is not executed again")
    print(f"{len(notebooks)} notebooks in {time.monotonic() - started:.0f} s; start reading at {arguments.build.name}/index.html")


if __name__ == "__main__":
    main()
