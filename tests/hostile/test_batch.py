"""The notebook attacks handed in to a course and graded by nbgrader's own steps, all in one batch.

Put straight into `submitted/`, past `labkit collect`. Everybody gets a grade, the same by
`labkit grade`, `nbgrader autograde` and formgrader's button; nobody gets more than the same answers
are worth, and the ledger has a sound line for each. The judge is the arena's; everything around it
is what an instructor runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.course import Course
from autograder.course_init import init_course
from autograder.grading import Graded, grade_lab, gradebook, session
from autograder.grading.nbgrader_run import load_config
from autograder.grading.pages import write_feedback
from autograder.grading.session import Lab, Reading, Session
from autograder.judge.verdict import Verdict
from autograder.sandbox.probe import probe

from .attacks import notebooks
from .harness import LAB, PRELUDE, Arena, Attack

pytestmark = pytest.mark.jail
NAME = LAB.name
SLOW_PAGES = "megabytes"
"""Its page has as many: written, but not by every test."""
DEEP = (150, *range(360, 500, 10))
"""How deep metadata is nested. At some of these depths it can still be read but not copied; at
which ones depends on how deep in calls the reader is."""

Batch = tuple[Course, list[Graded]]


def student(attack: Attack) -> str:
    return attack.name.replace(" ", "-")[:60]


def deep(levels: int) -> dict[str, Any]:
    """Metadata nested so deep that copying it exhausts the stack."""
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


@pytest.fixture(scope="module")
def batch(
    arenas: Callable[[str], Arena], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    level = probe().level
    if level is None:
        pytest.skip("no sandbox here")
    arena = arenas(level)
    base = tmp_path_factory.mktemp("batch")
    shutil.copytree(LAB, base / "solutions" / NAME)
    course = init_course(base / "course", seed="a seed of the course", solutions=base / "solutions")
    for attack in notebooks.ATTACKS:
        made = arena.notebook({attack.exercise: attack.cell}, PRELUDE, attack.edit)
        hand_in(course, student(attack), made)
    honest = arena.notebook({})
    for levels in DEEP:
        hand_in(course, f"deep-{levels}", {**honest, "metadata": deep(levels)})
    hand_in(course, "no-metadata", {**honest, "metadata": None})
    source = json.loads((course.root / "source" / NAME / f"{NAME}.ipynb").read_text())
    hand_in(course, "zoe", source)
    without_ids = [{k: v for k, v in c.items() if k != "id"} for c in source["cells"]]
    hand_in(course, "no-ids", {**source, "cells": without_ids})
    shutil.copytree(course.root, base / "stock")

    def judge(reading: Reading, lab: Lab, of: Session) -> Verdict:
        return arena.examiner.judge(reading.grafted.cells)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session, "judge_cells", judge)
        yield course, grade_lab(course, NAME, jobs=2)
    session.close_sessions()


def hand_in(course: Course, name: str, notebook: dict[str, Any]) -> None:
    path = course.submitted(name, NAME) / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))


def test_everybody_gets_a_grade_and_the_honest_student_all_points(batch: Batch) -> None:
    course, results = batch
    assert {r.student: r.error for r in results if r.status != "graded"} == {}
    assert len(results) == len(notebooks.ATTACKS) + len(DEEP) + 3
    scores = gradebook.automatic_points(course, NAME)
    full = {"scale": 3.0, "soften": 3.0, "counter": 2.0}
    assert scores.pop("zoe") == scores.pop("no-ids") == full
    assert {name for name, score in scores.items() if any(score.values())} == set()


def test_nbgraders_own_run_grades_everybody_alike(batch: Batch) -> None:
    """What formgrader's button and `nbgrader autograde` do."""
    from nbgrader.apps.api import NbGraderAPI

    course, _ = batch
    stock = Course.load(course.root.parent / "stock")
    shutil.copytree(course.verdicts, stock.verdicts, dirs_exist_ok=True)  # judged once
    api: Any = NbGraderAPI(config=load_config(stock))
    result = api.autograde(NAME, "*")
    assert result["success"], result["log"]
    assert gradebook.automatic_points(stock, NAME) == gradebook.automatic_points(course, NAME)


def test_what_was_replaced_is_kept_beside(batch: Batch) -> None:
    course, results = batch
    for levels in DEEP:
        folder = course.submitted(f"deep-{levels}", NAME)
        original = json.loads((folder / f"{NAME}.ipynb.original").read_text())
        assert original["metadata"] == deep(levels)
        (result,) = [r for r in results if r.student == folder.parent.name]
        assert any("of the hand-in were left out" in note for note in result.notes)


def test_each_judgement_stands_in_a_sound_ledger(batch: Batch) -> None:
    course, results = batch
    assert ledger.verify(course.ledger_path) == []
    assert sorted(line["student"] for line in ledger.read(course.ledger_path)) == sorted(
        r.student for r in results
    )


def test_no_page_runs_a_script_or_shows_what_is_hidden(batch: Batch) -> None:
    course, _ = batch
    for folder in course.root.glob(f"autograded/*{SLOW_PAGES}*"):
        shutil.rmtree(folder)
    pages: list[Path] = list(write_feedback(course, NAME))
    assert len(pages) > len(notebooks.ATTACKS)
    for page in pages:
        text = page.read_text()
        assert "CANARY_94" not in text and course.data.seed not in text
        assert "onload=" not in text and "IPython.notebook.kernel" not in text.split("<body")[0]
