"""SIGKILL at any moment loses nothing, and nothing is graded twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.course import Course
from autograder.grading import grade_lab, gradebook, locks
from autograder.grading.nbgrader_run import load_config
from autograder.grading.repair import clear_half_written

LAB = "lab91_small"
HandIn = Callable[..., Path]
HERE = Path(__file__).parent


def kill(course: Course, stage: str, number: int) -> None:
    command = [sys.executable, str(HERE / "killed_run.py"), str(course.root), stage, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("stage", "number", "left_to_judge"),
    [("judge", 1, 2), ("sanitized", 1, 0), ("before writing", 3, 0)],
)
def test_a_killed_run_is_finished_by_the_next_one(
    course: Course,
    judged: list[str],
    hand_in: HandIn,
    stage: str,
    number: int,
    left_to_judge: int,
) -> None:
    hand_in("ana", "solved")
    hand_in("bo", "wrong")
    hand_in("cy", "stub")
    kill(course, stage, number)
    results = grade_lab(course, LAB)
    assert [r.points for r in results] == [5.0, 0.0, 0.0]
    assert {r.status for r in results} <= {"graded", "unchanged"}
    assert len(judged) == left_to_judge
    assert sorted(line["student"] for line in ledger.read(course.ledger_path)) == [
        "ana",
        "bo",
        "cy",
    ]
    assert ledger.verify(course.ledger_path) == []
    assert [r.status for r in grade_lab(course, LAB)] == ["unchanged"] * 3
    assert gradebook.automatic_points(course, LAB)["ana"] == {"double": 3.0, "half": 2.0}


def test_stock_autograde_finishes_a_killed_run_too(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory

    hand_in("ana", "solved")
    hand_in("bo", "wrong")
    kill(course, "before writing", 3)  # bo's folder is there, sanitized and not judged
    assert course.autograded("bo", LAB).exists()
    config = load_config(course)
    directory: Any = CourseDirectory(config=config)
    directory.assignment_id = LAB
    Autograde(coursedir=directory, config=config).start()
    assert gradebook.automatic_points(course, LAB)["bo"] == {"double": 0.0, "half": 0.0}
    assert [r.status for r in grade_lab(course, LAB)] == ["unchanged"] * 2


def test_half_written_folders_are_cleared_and_whole_ones_kept(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    for student in ("ana", "bo", "cy"):
        hand_in(student, "solved")
    grade_lab(course, LAB)
    torn = course.autograded("bo", LAB) / f"{LAB}.ipynb"
    content = torn.read_bytes()
    torn.chmod(0o644)
    torn.write_bytes(content[: len(content) // 2])
    (course.autograded("cy", LAB) / f"{LAB}.ipynb").unlink()
    removed = clear_half_written(course)
    assert removed == [course.autograded("bo", LAB), course.autograded("cy", LAB)]
    assert course.autograded("ana", LAB).exists()


def test_a_folder_that_somebody_is_writing_is_left_alone(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    folder = course.autograded("bo", LAB)
    folder.mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; from autograder.grading import locks; "
        f"locks.acquire(Path({str(course.root)!r}), locks.byte_of('bo', {LAB!r})); "
        "print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "locked\n"
        assert clear_half_written(course) == []
        assert not locks.acquire(course.root, locks.byte_of("bo", LAB))
        other.kill()
    assert clear_half_written(course) == [folder]


def test_assignments_that_are_not_ours_are_left_alone(course: Course) -> None:
    theirs = course.root / "autograded" / "ana" / "essay"
    theirs.mkdir(parents=True)
    assert clear_half_written(course) == []
    assert theirs.exists()
