"""A lab solved from top to bottom in JupyterLab, at the keyboard, with the reference answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page as Tab

from autograder.start import start_lab
from tests.browser.jupyterlab import STUB, Student, solutions
from tests.browser.server import served
from tests.labs.page import Page

ANSWER = "Because a header is given, and an end token is written."
"""What is typed below every written question."""


def solve(page: Page, tab: Tab, folder: Path) -> Any:
    """Start the lab in `folder` and work through it; the notebook that was saved.

    Every code cell leaves a screenshot in `folder`/screens.
    """
    (home := folder / "home").mkdir()
    (screens := folder / "screens").mkdir()
    path = start_lab(page.release, folder / "work")
    answers = solutions(page.lab)
    with served(folder / "work", home, "jupyterlab") as address:
        tab.set_viewport_size({"width": 1280, "height": 900})
        student = Student(tab, path, screens)
        released = student.read()
        student.open(address)
        work_through(student, released, answers)
        saved = student.save()
    assert_solved(saved, released, answers)
    return saved


def work_through(student: Student, released: Any, answers: dict[str, list[list[str]]]) -> None:
    """Every cell in order: answers are typed into solution cells and written questions."""
    for number, cell in enumerate(released.cells):
        code = cell.cell_type == "code"
        if cell.id in answers:
            student.solve(cell.source, answers[cell.id])
        elif kind(cell) == "written":
            student.write(ANSWER)
        student.run(number, code=code)
        if code:
            student.look(number)


def kind(cell: Any) -> str:
    return "".join(cell.metadata.get("tags", ())[:1])


def solved(cell: Any, answers: list[list[str]]) -> str:
    """The released cell's source with an answer in the place of each stub."""
    left = iter(answers)
    lines = cell.source.split("\n")
    return "\n".join("\n".join(next(left)) if STUB.match(line) else line for line in lines)


def assert_solved(saved: Any, released: Any, answers: dict[str, list[list[str]]]) -> None:
    """What was typed is there, letter for letter, and no cell failed."""
    before = {cell.id: cell for cell in released.cells}
    cells = {cell.id: cell for cell in saved.cells if cell.id in before}
    assert list(cells) == list(before)
    for name, answer in answers.items():
        assert cells[name].source == solved(before[name], answer)
    failed = {name: out.ename for name, cell in cells.items() for out in cell.get("outputs", ())
              if out.output_type == "error"}  # fmt: skip
    assert failed == {}
