"""`labkit explain`: how a number came about, case by case. For an instructor's eyes only.

It shows the record that was kept when the ledger's line was written. Where that is gone, or nothing
was judged yet, the hand-in is judged now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autograder import ledger
from autograder.course import Course
from autograder.errors import LabkitError
from autograder.grading import cache, gradebook
from autograder.grading.session import Reading, Session, with_notes
from autograder.judge.observed import CaseResult, Observed
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.reconcile import changes, differences, source_now


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One hand-in's verdict with all that is behind it."""

    student: str
    lab: str
    seed: str
    verdict: Verdict
    observed: Observed
    again: bool
    """Whether it was judged just now, because no record was kept."""
    line: dict[str, Any] | None
    """The ledger's last line on the student."""
    number: int
    """Which line that is, from 1."""
    problems: tuple[str, ...]
    """Where record, ledger and gradebook do not agree."""
    changed: tuple[str, ...]
    """What is not as it was when the line was written."""

    def cases(self, exercise: str) -> list[CaseResult]:
        """The hidden cases of an exercise, in the order they ran."""
        return [case for case in self.observed.cases if case.exercise == exercise]


def explain(
    course: Course, student: str, lab: str, *, exercise: str | None = None, trust: bool = False
) -> Explanation:
    """The verdict on a student's hand-in, of one exercise or all.

    Raises:
        LabError: the course has no such lab, or the lab no such exercise.
        LabkitError: the student handed in nothing.
        EnvironmentRefused: it has to be judged, and this machine has no sandbox.
    """
    lab = course.lab(lab)
    if exercise is not None:
        course.spec(lab).exercise(exercise)
    if student not in course.handed_in(lab):
        there = ", ".join(course.handed_in(lab)) or "none"
        raise LabkitError(f"{student} handed in nothing for {lab}. Hand-ins there are: {there}.")
    session = Session(course, trust=trust)
    try:
        reading = session.read(student, lab)
        line = ledger.newest(course.ledger_path).get((student, lab))
        judged, again = _record(session, reading, line)
    finally:
        session.close()
    verdict = with_notes(judged.verdict, tuple(line["notes"]) if line else reading.notes)
    recorded = gradebook.automatic_points(course, lab).get(student, {})
    return Explanation(
        student=student,
        lab=lab,
        seed=course.data.seed,
        verdict=_only(verdict, exercise),
        observed=judged.observed,
        again=again,
        line=line,
        number=_number(course, line),
        problems=(*_disagreements(verdict, line), *differences(student, lab, recorded, line)),
        changed=tuple(
            changes(course, line, reading.submission, source_now(course, lab)) if line else ()
        ),
    )


def _record(
    session: Session, reading: Reading, line: dict[str, Any] | None
) -> tuple[cache.Judged, bool]:
    """What the line was written from, else what is known or judged now of the hand-in."""
    kept = cache.load(session.course.verdicts, line["key"]) if line else session.cached(reading)
    if kept is not None and kept.observed.cases:
        return kept, False
    return session.judge(reading), True


def _only(verdict: Verdict, exercise: str | None) -> Verdict:
    if exercise is None:
        return verdict
    wanted = tuple(e for e in verdict.exercises if e.exercise == exercise)
    return verdict.model_copy(update={"exercises": wanted})


def _number(course: Course, line: dict[str, Any] | None) -> int:
    hashes = [one.get("hash") for one in ledger.read(course.ledger_path)]
    return 0 if line is None else hashes.index(line["hash"]) + 1


def _disagreements(verdict: Verdict, line: dict[str, Any] | None) -> list[str]:
    """Where the record is not what the ledger says."""
    if line is None:
        return []
    return [
        f"{result.exercise}: the record says {_told(result)}, the ledger {then}."
        for result in verdict.exercises
        if (then := _told_then(line, result.exercise)) != _told(result)
    ]


def _told(result: ExerciseVerdict) -> str:
    return f"{result.points:g} points, {result.status}"


def _told_then(line: dict[str, Any], exercise: str) -> str:
    then = line["exercises"].get(exercise)
    return f"{then['points']:g} points, {then['status']}" if then else "nothing"
