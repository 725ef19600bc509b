"""`labkit replay`: judge one exercise of one hand-in again and compare with the ledger's line.

The judge is the one that grades, with the course's seed; nothing is written. The whole hand-in is
judged again where its whole time was used up: what one exercise had left depended on the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import ledger
from autograder.course import Course
from autograder.errors import LabError, LabkitError
from autograder.grading.session import Reading, Session
from autograder.judge.verdict import ExerciseVerdict, Verdict
from autograder.notebook import lab_named, read_notebook
from autograder.reconcile import changes, source_now

Line = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came out, beside what the ledger says."""

    reading: Reading
    seed: str
    level: str
    verdict: ExerciseVerdict
    line: Line | None
    """The last line on this student, or on this file; None when there is none."""
    changed: tuple[str, ...]
    """What is not as it was when the line was written."""

    @property
    def then(self) -> dict[str, Any] | None:
        """Points and status in the ledger."""
        return (self.line or {}).get("exercises", {}).get(self.verdict.exercise)

    @property
    def agrees(self) -> bool:
        """Whether the same came out."""
        now = {"points": self.verdict.points, "status": self.verdict.status}
        return self.then is not None and now.items() <= self.then.items()


def replay(
    course: Course,
    submission: str,
    exercise: str,
    *,
    lab: str | None = None,
    seed: str | None = None,
    trust: bool = False,
) -> Replayed:
    """Judge `exercise` of `submission`, a student's id or a notebook file, again.

    Raises:
        LabkitError: there is no such hand-in, or the exercise is in several labs.
        CourseError: the lab's source is not the pinned one.
        EnvironmentRefused: no sandbox here, and students are not trusted.
    """
    data = course.data if seed is None else course.data.model_copy(update={"seed": seed})
    session = Session(Course(course.root, data), trust=trust)
    try:
        reading, line = _found(session, submission, exercise, lab)
        verdict = _judged(session, reading, exercise, line)
    finally:
        session.close()
    (ours,) = (e for e in verdict.exercises if e.exercise == exercise)
    return Replayed(
        reading=reading,
        seed=data.seed,
        level=verdict.level,
        verdict=ours,
        line=line,
        changed=_changed(session.course, reading, verdict, line),
    )


def _found(
    session: Session, submission: str, exercise: str, lab: str | None
) -> tuple[Reading, Line | None]:
    """What to judge, and the ledger's last line on it."""
    course = session.course
    handed_in = [name for name in course.data.labs if submission in course.handed_in(name)]
    if handed_in:
        of = _lab_with(course, handed_in, exercise, lab, submission)
        line = ledger.newest(course.ledger_path).get((submission, of))
        return session.read(submission, of), line
    path = Path(submission)
    if not path.is_file():
        raise LabkitError(
            f"{submission!r} is no student who handed in, and no file. "
            f"Hand-ins are in {course.root / 'submitted'}."
        )
    of = course.lab(lab or lab_named(read_notebook(path)) or path.stem)
    course.spec(of).exercise(exercise)
    reading = session.read_file(path, path.name, of)
    return reading, ledger.newest_of_file(course.ledger_path, reading.submission, of)


def _lab_with(
    course: Course, handed_in: list[str], exercise: str, lab: str | None, student: str
) -> str:
    """The lab that is meant: the named one, or the only one that has the exercise."""
    if lab is not None:
        named = course.lab(lab)
        course.spec(named).exercise(exercise)
        if named not in handed_in:
            raise LabkitError(f"{student} handed in nothing for {named}.")
        return named
    labs = [name for name in handed_in if exercise in course.spec(name).by_name]
    if len(labs) != 1:
        have = ", ".join(labs) or "none"
        raise LabError(
            f"{exercise!r} must be in one lab that {student} handed in; it is in: {have}. "
            f"{student} handed in: {', '.join(handed_in)}. Say which with --lab."
        )
    return labs[0]


def _judged(session: Session, reading: Reading, exercise: str, line: Line | None) -> Verdict:
    seen = (line or {}).get("incidents", {})
    whole = any("submission limit" in words for words in seen.values())
    return session.processes.judge(
        reading.grafted.cells,
        session.lab(reading.lab).folder,
        level=session.level,
        exercises=None if whole else [exercise],
    )


def _changed(
    course: Course, reading: Reading, verdict: Verdict, line: Line | None
) -> tuple[str, ...]:
    if line is None:
        return ()
    source = source_now(course, reading.lab)
    found = changes(course, line, reading.submission, source)
    if verdict.level != line["level"]:
        found.append(f"it was judged at level {line['level']}, not at {verdict.level}.")
    return tuple(found)
