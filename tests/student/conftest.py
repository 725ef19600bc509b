"""A student at work: the tiny lab's release, a folder of their own, and ways to solve it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from autograder.cli import app

DATA = Path(__file__).resolve().parent.parent / "data"
Edit = Callable[[dict[str, str]], Path]
Labkit = Callable[..., Result]

SOLVED = {
    "double": "def double(x):\n    return 2 * x",
    "total": "def total(n):\n    return sum(n)\n\n\ndef mean(n):\n    return total(n) / len(n)",
    "explain_zero": "Because it is the neutral element.",
}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The student's current folder; the labs are elsewhere."""
    desk = tmp_path / "Schreibtisch 数"
    desk.mkdir()
    monkeypatch.chdir(desk)
    monkeypatch.setenv("LABKIT_ROOT", str(DATA))
    return desk


@pytest.fixture
def labkit(desk: Path) -> Labkit:
    """The command line, run in the student's folder."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


@pytest.fixture
def work(desk: Path, labkit: Labkit) -> Path:
    """The folder that `labkit start` made."""
    assert labkit("start", "lab00").exit_code == 0
    return desk / "work" / "lab00_tiny"


@pytest.fixture
def notebook(work: Path) -> Path:
    """The student's notebook."""
    return work / "lab00_tiny.ipynb"


@pytest.fixture
def solve(notebook: Path) -> Edit:
    """Write answers into the notebook, by cell id; "" removes the cell."""

    def edit(answers: dict[str, str]) -> Path:
        raw: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
        for cell in raw["cells"]:
            if cell["id"] in answers:
                cell["source"] = answers[cell["id"]]
        raw["cells"] = [c for c in raw["cells"] if answers.get(c["id"]) != ""]
        notebook.write_text(json.dumps(raw), encoding="utf-8")
        return notebook

    return edit
