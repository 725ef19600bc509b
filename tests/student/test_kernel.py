"""`check("double")` in a real Jupyter kernel, run by nbclient as a student would run it."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.progress import read_progress

from .conftest import SOLVED

# The demo would end a process that is no kernel: it must not run when checking.
CHANGES = {
    "double": "def double(x):\n    return twice(x)",
    "total": "def total(numbers):\n    return 1",
    "demo-1": "import os\nif 'labkit-check-' in os.getcwd():\n    os._exit(1)",
}


def output_of(cell: Any) -> tuple[str, str]:
    """The text and the HTML that a cell's last value was shown as."""
    shown = [o.data for o in cell.outputs if o.output_type == "execute_result"]
    assert len(shown) == 1, cell.outputs
    return shown[0]["text/plain"], shown[0]["text/html"]


@pytest.fixture
def executed(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook after "run all", with a cell of the student's own and an exercise run twice."""
    node = nbformat.read(notebook, as_version=4)
    for cell in node.cells:
        cell.source = CHANGES.get(cell.id, cell.source)
    index = next(i for i, cell in enumerate(node.cells) if cell.id == "double")
    helper = nbformat.v4.new_code_cell("def twice(x):\n    return 2 * x")
    node.cells.insert(index, helper)
    right = CHANGES["total"].replace("1", "sum(numbers)")
    right += "\n\ndef mean(numbers):\n    return total(numbers) / len(numbers)"
    node.cells.append(nbformat.v4.new_code_cell(right))
    node.cells.append(nbformat.v4.new_code_cell('check("total")'))
    nbformat.write(node, notebook)  # front ends save by themselves
    monkeypatch.setenv("PYTHONPATH", "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ipykernel's, about its own sockets
        NotebookClient(
            node,
            timeout=120,
            kernel_name="python3",
            resources={"metadata": {"path": notebook.parent}},
        ).execute()
    return node


def test_check_shows_what_the_command_line_shows(
    executed: Any, notebook: Path, labkit: Any
) -> None:
    cells = {cell.id: cell for cell in executed.cells}
    text, html = output_of(cells["check_double"])
    assert text == "✓ double: passed"
    assert html == "<p><strong>✓ double: passed</strong></p>"

    text, html = output_of(cells["check_total"])
    assert text.startswith("✗ total: ")
    assert "total([])" in text
    assert '<pre style="font-family: monospace' in html
    assert html.count('<span style="display: block') == text.count("\n")

    text, _ = output_of(executed.cells[-1])
    assert text.startswith("✓ total: passed\nEvery exercise passes its checks.")
    assert read_progress(notebook.parent, "lab00_tiny").passed() == {"double", "total"}

    nbformat.write(executed, notebook)
    done = labkit("check", "lab00", "--json")
    statuses = {e["exercise"]: e["status"] for e in json.loads(done.stdout)["exercises"]}
    assert statuses == {"double": "passed", "total": "passed"}


def test_the_validate_button_tells_what_the_checks_tell(notebook: Path) -> None:
    node = nbformat.read(notebook, as_version=4)
    for cell in node.cells:
        cell.source = {**CHANGES, "double": SOLVED["double"]}.get(cell.id, cell.source)
    nbformat.write(node, notebook)
    program = Path(sys.executable).with_name("nbgrader")
    done = subprocess.run(
        [program, "validate", notebook.name], cwd=notebook.parent, capture_output=True, text=True
    )
    failed = done.stdout.split("VALIDATION FAILED ON 2 CELL(S)!")[1]
    assert "✗ total: not right yet" in failed and "total([])" in failed
    assert "You did not provide a response" in failed  # to the written question
    assert "double" not in failed and "Traceback" not in failed


def test_the_front_ends_cell_ids_are_noted() -> None:
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as Shell\n"
        "shell = Shell.instance()\n"
        "shell.run_cell('from autograder.check import check', cell_id='tools-1')\n"
        "shell.run_cell('x = 1', cell_id='demo-1')\n"
        "from autograder.check import session\n"
        "print(session._cell_ids)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'x = 1': 'demo-1'}\n"
