"""A small lab, a course of it made once, and a judge without a sandbox for trusted test code."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.course_init import init_course
from autograder.grading import cache, locks, session
from autograder.grading.session import Lab, Reading, Session
from autograder.judge.verdict import Counterexample, ExerciseVerdict, Verdict

LAB = "lab91_small"

NOTEBOOK = '''\
# %% [markdown]
# # A small lab

# %% tags=["setup"]
import math

# %% tags=["solution"] grade_id="double"
def double(x: float) -> float:
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% tags=["check"] grade_id="check_double"
check("double")

# %% tags=["solution"] grade_id="half"
def half(x: float) -> float:
    """Half of x."""
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION

# %% tags=["check"] grade_id="check_half"
check("half")

# %% [markdown] tags=["written"] grade_id="explain_double"
# Why is doubling linear?
'''

LAB_YML = """\
name: lab91_small
title: A lab as small as can be
able_to: [double a number well, halve a number well, explain what both do]
minutes: 5
difficulty: 1
importance: 1
exercises:
  - name: double
    title: Double a number
    points: 3
    minutes: 2
    hints: &hints {nudge: Think about it, idea: Multiply the number, worked_step: Write it down}
  - {name: half, title: Halve a number, points: 2, minutes: 2, hints: *hints}
written:
  - {name: explain_double, title: Explain doubling, points: 4, rubric: [says that it is additive]}
"""

SOLVED = {
    "double": "def double(x: float) -> float:\n    return 2 * x\n",
    "half": "def half(x: float) -> float:\n    return x / 2\n",
}
WRONG = {"double": "def double(x: float) -> float:\n    return x * x\n"}
ANSWERS = {"solved": SOLVED, "wrong": WRONG, "stub": {}}


def write_lab(solutions: Path) -> Path:
    folder = solutions / LAB
    (folder / "mistakes").mkdir(parents=True)
    (folder / "notebook.py").write_text(NOTEBOOK)
    (folder / "lab.yml").write_text(LAB_YML)
    (folder / "checks.py").write_text("")
    (folder / "judge.py").write_text("# hidden cases\n")
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that is never graded; tests work on copies."""
    base = tmp_path_factory.mktemp("template")
    write_lab(base / "solutions")
    roster = base / "roster.csv"
    roster.write_text("id,name\nana,Ana Lima\nbo,Bo Ek\ncy,Cy Ng\ndee,Dee Dé\n")
    init_course(base / "course", roster=roster, seed="a seed", solutions=base / "solutions")
    return base


@pytest.fixture
def course(template: Path, tmp_path: Path) -> Iterator[Course]:
    """A fresh course of the small lab with four students on its roster."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    root = tmp_path / "course"
    data = json.loads((root / "course.json").read_text())
    data["solutions"] = str(tmp_path / "solutions")
    (root / "course.json").write_text(json.dumps(data, indent=2) + "\n")
    yield Course.load(root)
    session.close_sessions()
    locks.release_submissions(root)


def release_of(course: Course) -> dict[str, Any]:
    return json.loads(course.release_path(LAB).read_text())


def answered(course: Course, answers: dict[str, str], written: str | None = None) -> dict[str, Any]:
    """The release with `answers` in its solution cells."""
    notebook = copy.deepcopy(release_of(course))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell["source"] = answers[name]
        if name == "explain_double" and written is not None:
            cell["source"] = written
    return notebook


@pytest.fixture
def hand_in(course: Course) -> Callable[..., Path]:
    """Put a solved, wrong or untouched (stub) notebook into nbgrader's layout."""

    def put(student: str, kind: str, written: str | None = None) -> Path:
        path = course.submitted(student, LAB) / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(answered(course, ANSWERS[kind], written)))
        return path

    return put


def _verdict_on(name: str, points: int, namespace: dict[str, Any]) -> ExerciseVerdict:
    wanted = {"double": 8.0, "half": 2.0}[name]
    counterexample, status, got = None, "passed", None
    try:
        got = namespace[name](4)
    except NotImplementedError:
        status = "not attempted"
    if status == "passed" and got != wanted:
        status = "failed"
        counterexample = Counterexample(call=f"{name}(4)", expected=str(wanted), got=str(got))
    return ExerciseVerdict(
        exercise=name,
        points=float(points) if status == "passed" else 0.0,
        max_points=float(points),
        status=status,  # type: ignore[arg-type]
        cases_passed=int(status == "passed"),
        cases_total=1,
        counterexample=counterexample,
        next_step=f"labkit hint {LAB} {name}",
    )


def plain_judge(reading: Reading, lab: Lab, session: Session) -> Verdict:
    namespace: dict[str, Any] = {}
    for cell in reading.grafted.cells:
        exec(cell.source, namespace)
    exercises = tuple(_verdict_on(e.name, e.points, namespace) for e in lab.spec.exercises)
    return Verdict(lab=reading.lab, seed=session.course.data.seed, level="A", exercises=exercises)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Judge without a sandbox; the list grows by a student for every submission judged."""
    students: list[str] = []

    def judge(reading: Reading, lab: Lab, session: Session) -> Verdict:
        students.append(reading.student)
        return plain_judge(reading, lab, session)

    monkeypatch.setattr(session, "judge_cells", judge)
    monkeypatch.setattr(Session, "level", "A")
    monkeypatch.setattr(cache, "tool_hash", lambda: "tools")
    return students
