"""A session asks again when the machinery fails, and keeps to what it was made for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import EnvironmentRefused
from autograder.grading import grade_lab, session
from autograder.grading.session import Session, session_for
from autograder.sandbox import probe
from autograder.sandbox.errors import ForkDied, SandboxError

LAB = "lab91_small"
HandIn = Callable[..., Path]


@pytest.mark.parametrize("error", [ForkDied("killed"), SandboxError("the server has ended")])
def test_a_failure_of_the_machinery_is_tried_again(
    course: Course,
    judged: list[str],
    hand_in: HandIn,
    monkeypatch: pytest.MonkeyPatch,
    error: SandboxError,
) -> None:
    plain, errors = session.judge_cells, [error, error]

    def judge(*args: Any) -> Any:
        if errors:
            raise errors.pop()
        return plain(*args)

    monkeypatch.setattr(session, "judge_cells", judge)
    hand_in("ana", "solved")
    assert [(r.status, r.points) for r in grade_lab(course, LAB)] == [("graded", 5.0)]


def test_a_hand_in_is_read_once_until_it_changes(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    ours = Session(course)
    first = ours.read("ana", LAB)
    assert ours.read("ana", LAB).grafted is first.grafted
    hand_in("ana", "wrong")
    assert ours.read("ana", LAB).key != first.key


def test_a_thread_that_reads_at_the_same_time_changes_nothing(
    course: Course, hand_in: HandIn
) -> None:
    hand_in("ana", "solved")
    hand_in("ben", "wrong")
    theirs = Session(course).read("ben", LAB)

    class Overtaken(Session):
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, theirs if name == "_last" and value else value)

    assert Overtaken(course).read("ana", LAB).student == "ana"


def test_a_dead_zygote_is_replaced(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    ours = Session(course)
    dead: Any = SimpleNamespace(close=lambda: closed.append("dead"))
    ours.processes._zygote = dead
    ours.processes.forget(SimpleNamespace())  # type: ignore[arg-type]
    assert closed == []  # another thread has put a new one in its place
    ours.processes.forget(dead)
    assert closed == ["dead"] and ours.processes.started is None


def test_without_a_sandbox_nothing_runs_and_the_remedy_is_named(
    course: Course, hand_in: HandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = probe.Probe(level=None, primitives={}, remedy="Use Linux.")
    monkeypatch.setattr(probe, "probe", lambda: found)
    monkeypatch.setattr(session, "judge_cells", lambda *args: pytest.fail("code was run"))
    hand_in("ana", "solved")
    with pytest.raises(EnvironmentRefused, match=r"Use Linux\. Or .*--trust-students"):
        grade_lab(course, LAB)
    assert not course.autograded("ana", LAB).exists()


def test_trusting_students_has_to_be_asked_for_each_time(course: Course) -> None:
    assert session_for(course.root, trust=True).level == "trusted"
    assert session_for(course.root).trust  # nbgrader's steps in the same run
    assert not session_for(course.root, trust=False).trust
