"""The benchmark that kills the grader at random moments, in small, and that it can find a fault."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course

LAB = "lab91_small"
HERE = Path(__file__).parent
HandIn = Callable[..., Path]
KILLS = 2


@pytest.fixture(scope="module")
def killed(repository: Path) -> Any:
    """The benchmark, as a module."""
    spec = importlib.util.spec_from_file_location("killed", repository / "benchmarks/killed.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["killed"] = module  # where its dataclass looks for its own annotations
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def two(course: Course, hand_in: HandIn) -> tuple[Course, Course]:
    """Two courses with the same hand-ins."""
    for student, kind in {"ana": "solved", "bo": "wrong", "cy": "stub", "dee": "solved"}.items():
        hand_in(student, kind)
    other = course.root.with_name("restless")
    shutil.copytree(course.root, other)
    return course, Course.load(other)


def grader(course: Course) -> list[str]:
    return [sys.executable, str(HERE / "killed_run.py"), str(course.root), "none", "0"]


def test_the_gradebook_is_that_of_an_undisturbed_run(
    killed: Any, two: Sequence[Course], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, restless = two
    monkeypatch.setattr(killed, "DELAY_SECONDS", 0.5)
    killed.grade(grader(calm), tmp_path / "tmp-calm")
    kills = killed.kill_again_and_again(
        restless, LAB, grader(restless), tmp_path / "tmp", kills=KILLS, seed=5
    )
    assert killed.differences(calm, restless, LAB) == []
    assert kills and not any(kill.left for kill in kills)
    with closing(sqlite3.connect(restless.root / "gradebook.db")) as book:
        book.execute("update grade set auto_score = 1 where auto_score = 3")
        book.commit()
    notebook = next(restless.root.glob(f"autograded/*/{LAB}/{LAB}.ipynb"))
    notebook.unlink()
    ledger = restless.ledger_path
    ledger.write_text(ledger.read_text().replace('"points":5.0', '"points":4.0', 1))
    found = "\n".join(killed.differences(calm, restless, LAB))
    for part in ("grades differ", "graded notebooks differ", "was changed after it was written"):
        assert part in found


def test_two_courses_that_nobody_graded_prove_nothing(killed: Any, two: Sequence[Course]) -> None:
    assert killed.differences(*two, LAB) == ["course is not graded: there is nothing to compare"]


def test_a_process_that_outlives_its_grader_is_seen(
    killed: Any, two: Sequence[Course], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killed, "GONE_SECONDS", 0.3)
    child = "import time; time.sleep(5)"
    parent = (
        "import subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    )
    command = [sys.executable, "-c", parent]
    kill = killed.kill_at(two[1], LAB, command, tmp_path / "tmp", work=0, delay=1.5)
    assert kill.left == 1
    assert killed.kill_at(two[1], LAB, ["true"], tmp_path / "tmp", work=0, delay=1) is None


def test_a_run_that_was_killed_too_seldom_is_no_proof(
    killed: Any, two: Sequence[Course], capsys: pytest.CaptureFixture[str]
) -> None:
    kill = killed.Kill(judged=1, recorded=0, after_seconds=2.0, left=0)
    assert killed.report([kill], 1, [], two[0])
    assert not killed.report([kill], 2, [], two[0])
    assert not killed.report([kill], 1, ["grades differ"], two[0])
    assert not killed.report([killed.Kill(1, 0, 2.0, left=1)], 1, [], two[0])
    assert "kills: 1 of 2" in capsys.readouterr().out
