"""Wall seconds of each lab's reference notebook from top to bottom, against a notebook of one cell.

    python benchmarks/pages.py [LAB ...]

Each runs in a kernel of its own beside a copy of the released lab, on the embedded service, as
after "run all". The rival imports torch and the SDK and does nothing with them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

from autograder.lab import labs_folder, list_labs, solutions_folder

IMPORTS = "import tinker, torch, transformers"
SECONDS = 300
"""The most that one cell may take."""


def wall(node: Any, folder: Path) -> float:
    """Seconds from the start of a kernel in `folder` until the last cell is done.

    Raises:
        CellExecutionError: a cell failed.
    """
    resources = {"metadata": {"path": folder}}
    client = NotebookClient(node, timeout=SECONDS, kernel_name="python3", resources=resources)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ipykernel's, about its own sockets
        client.execute()
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", metavar="LAB", help="all labs, if none is named")
    labs = parser.parse_args().labs or list_labs(solutions_folder())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)])
        rival = wall(bare, folder)
        print(f"{'one cell: ' + IMPORTS:50} {rival:6.1f} s")
        for lab in labs:
            shutil.copytree(labs_folder() / lab, folder / lab)
            node = jupytext.read(solutions_folder() / lab / "notebook.py")
            seconds = wall(nbformat.from_dict(node), folder / lab)
            print(f"{lab:50} {seconds:6.1f} s {seconds / rival:6.1f} x")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
