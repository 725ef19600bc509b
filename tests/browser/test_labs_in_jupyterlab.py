"""Every lab in JupyterLab, solved cell by cell at the keyboard: all checks are green."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.lab import list_labs
from autograder.start import start_lab
from tests.browser.conftest import served
from tests.browser.jupyterlab import STUB, Student, solutions

ROOT = Path(__file__).resolve().parents[2]
ANSWER = "Because a header is given, and an end token is written."
pytestmark = pytest.mark.slow


def work_through(student: Student, released: Any, answers: dict[str, list[list[str]]]) -> None:
    """Every cell in order: answers are typed into solution cells and written questions."""
    for number, cell in enumerate(released["cells"]):
        code = cell["cell_type"] == "code"
        if cell["id"] in answers:
            student.solve("".join(cell["source"]), answers[cell["id"]])
        elif kind(cell) == "written":
            student.write(ANSWER)
        student.run(number, code=code)
        if code:
            student.look(number)


def kind(cell: Any) -> str:
    return "".join(cell["metadata"].get("tags", ())[:1])


def solved(cell: Any, answers: list[list[str]]) -> str:
    """The released cell's source with an answer in the place of each stub."""
    left = iter(answers)
    lines = "".join(cell["source"]).split("\n")
    return "\n".join("\n".join(next(left)) if STUB.match(line) else line for line in lines)


def shown(cell: Any, output_type: str) -> list[str]:
    """The text of a cell's outputs of one type; of an error, its name."""
    return [
        "".join(o.get("data", {}).get("text/plain", o.get("text", o.get("ename", ""))))
        for o in cell.get("outputs", ())
        if o["output_type"] == output_type
    ]


def assert_green(saved: Any, released: Any, answers: dict[str, list[list[str]]]) -> None:
    """What was typed is there, letter for letter; no cell failed, and every check passed."""
    before = {cell["id"]: cell for cell in released["cells"]}
    cells = {cell["id"]: cell for cell in saved["cells"] if cell["id"] in before}
    assert list(cells) == list(before)
    for name, answer in answers.items():
        assert "".join(cells[name]["source"]) == solved(before[name], answer)
    assert {name: shown(c, "error") for name, c in cells.items() if shown(c, "error")} == {}
    checks = [cell for cell in cells.values() if kind(cell) == "check"]
    assert len(checks) == len(answers) >= 5
    for cell in checks:
        (result,) = shown(cell, "execute_result")
        assert result.startswith(f"✓ {cell['id'].removeprefix('check_')}: passed")


@pytest.mark.parametrize("lab", list_labs(ROOT / "solutions"))
def test_a_lab_solved_at_the_keyboard_is_green(lab: str, watched: Any, tmp_path: Path) -> None:
    """Every code cell leaves a screenshot in `tmp_path`/screens."""
    (home := tmp_path / "home").mkdir()
    (screens := tmp_path / "screens").mkdir()
    path = start_lab(ROOT / "labs" / lab, tmp_path / "work")
    answers = solutions(ROOT / "solutions" / lab)
    with served(tmp_path / "work", home, "jupyterlab") as address:
        watched.page.set_viewport_size({"width": 1280, "height": 900})
        student = Student(watched.page, path, screens)
        released = student.read()
        student.open(address)
        work_through(student, released, answers)
        assert_green(student.save(), released, answers)
    assert watched.outside == []
