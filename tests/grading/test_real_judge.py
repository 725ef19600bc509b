"""The whole path with the real judge and sandbox: ours and nbgrader's own way give the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.course import Course
from autograder.course_init import init_course
from autograder.grading import grade_lab, gradebook, session
from autograder.grading.nbgrader_run import load_config
from autograder.grading.pages import write_feedback
from autograder.sandbox.probe import probe

LAB = "lab90_tiny"
pytestmark = [pytest.mark.jail, pytest.mark.slow]

HOSTILE = """\
import os, signal, sys
open("/tmp/stolen", "w").write("x")
os.kill(os.getppid(), signal.SIGKILL)
def scale(values, target):
    os._exit(0)
"""


@pytest.fixture(scope="module")
def graded(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """A course with six hand-ins, from solved to hostile and broken."""
    if probe().level is None:
        pytest.skip("no sandbox here")
    base = tmp_path_factory.mktemp("real")
    hidden = shutil.ignore_patterns(".*", "__pycache__")
    labs = repository / "tests" / "judge" / "labs"
    shutil.copytree(labs / LAB, base / "solutions" / LAB, ignore=hidden)
    course = init_course(base / "course", seed="a seed", solutions=base / "solutions")
    source = json.loads((course.root / "source" / LAB / f"{LAB}.ipynb").read_text())
    release = json.loads(course.release_path(LAB).read_text())
    hand_in(course, "solved", source, {})
    hand_in(course, "half", release, {"ratio": source_of(source, "ratio")})
    wrong = "def scale(values, target):\n    return values / values.sum() * target\n"
    hand_in(course, "wrong", source, {"scale": wrong})
    hand_in(course, "stub", release, {})
    hand_in(course, "hostile", release, {"scale": HOSTILE})
    hand_in(course, "broken", "not a notebook", {})
    failed = [r.error for r in grade_lab(course, LAB, jobs=2) if r.error]
    assert failed == []
    yield course
    session.close_sessions()


def source_of(notebook: Any, cell_id: str) -> str:
    (cell,) = (c for c in notebook["cells"] if c["id"] == cell_id)
    return "".join(cell["source"])


def hand_in(course: Course, student: str, notebook: Any, answers: dict[str, str]) -> None:
    path = course.submitted(student, LAB) / f"{LAB}.ipynb"
    path.parent.mkdir(parents=True)
    if isinstance(notebook, str):
        path.write_text(notebook)
        return
    copied = json.loads(json.dumps(notebook))
    for cell in copied["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.write_text(json.dumps(copied))


def points(course: Course) -> dict[str, dict[str, float]]:
    return gradebook.automatic_points(course, LAB)


def test_each_hand_in_gets_what_it_is_worth(graded: Course) -> None:
    nothing = {"scale": 0.0, "counter": 0.0, "ratio": 0.0}
    full = {"scale": 3.0, "counter": 2.0, "ratio": 2.0}
    assert points(graded) == {
        "broken": nothing,
        "half": nothing | {"ratio": 2.0},
        "hostile": nothing,
        "solved": full,
        "stub": nothing,
        "wrong": full | {"scale": 0.0},
    }
    assert not Path("/tmp/stolen").exists()


def test_stock_autograde_judging_for_itself_gives_the_same(graded: Course) -> None:
    from nbgrader.apps.api import NbGraderAPI

    before = points(graded)
    pages = [page.read_bytes() for page in write_feedback(graded, LAB)]
    lines = len(ledger.read(graded.ledger_path))
    shutil.rmtree(graded.verdicts)
    api: Any = NbGraderAPI(config=load_config(graded))
    for student in ("wrong", "broken", "half"):
        result = api.autograde(LAB, student)
        assert result["success"], result["log"]
    assert points(graded) == before
    assert [page.read_bytes() for page in write_feedback(graded, LAB)] == pages
    assert len(ledger.read(graded.ledger_path)) == lines == 6


def test_the_page_holds_the_diagnosis_and_no_other_hidden_case(graded: Course) -> None:
    write_feedback(graded, LAB)
    page = (graded.root / "feedback" / "wrong" / LAB / f"{LAB}.html").read_text()
    assert "You divide by the sum" in page
    assert page.count("expected: ") == 1
    assert graded.data.seed not in page
