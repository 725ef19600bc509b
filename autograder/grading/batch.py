"""`labkit grade`: judge in parallel, then let nbgrader convert one submission after the other.

The first stage only fills the verdict cache, so it can be killed at any time; the second is
nbgrader's own Autograde converter, which finds every verdict there. A submission is left alone
when its graded notebook and the gradebook both have the verdict it would get again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from autograder.course import Course
from autograder.errors import CourseError, EnvironmentRefused, LabkitError
from autograder.grading import gradebook, locks
from autograder.grading.engines import one_engine
from autograder.grading.nbgrader_run import load_config, logging_to, run
from autograder.grading.repair import stamp_of
from autograder.grading.session import Reading, Session, session_for, with_notes
from autograder.handin import make_gradable
from autograder.judge.verdict import Verdict

Progress = Callable[[str, int, int], None]
"""Called with the stage ("judge" or "record"), how many are done and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """What came of one hand-in. Points are the automatic ones; `score` counts everything."""

    student: str
    lab: str
    status: Literal["graded", "unchanged", "failed"]
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    """Why it could not be graded: our trouble, not the student's."""
    score: float = 0.0
    max_score: float = 0.0
    waits_for_person: bool = False

    @property
    def points(self) -> float:
        """Automatic points."""
        return self.verdict.points if self.verdict else 0.0

    @property
    def max_points(self) -> float:
        """Automatic points to be had."""
        return self.verdict.max_points if self.verdict else 0.0


def grade_lab(
    course: Course,
    lab: str,
    *,
    students: Sequence[str] | None = None,
    jobs: int = 1,
    force: bool = False,
    trust: bool | None = None,
    progress: Progress | None = None,
) -> list[Graded]:
    """Grade the hand-ins of one lab, or of some students; one result each, sorted by student.

    `force` judges and converts again what is done already.

    Raises:
        CourseError: the course is in use, damaged, or its lab changed.
        EnvironmentRefused: this machine has no sandbox and students are not trusted.
        LabError: the course has no such lab.
        LabkitError: a named student handed in nothing.
    """
    lab = course.lab(lab)
    tell = progress or _say_nothing
    log_file = logging_to(course.logs / f"grade-{lab}.log")
    with _alone(course), one_engine(), log_file as log:
        config = load_config(course)
        session = session_for(course.root, trust=trust)
        session.lab(lab)
        readings = _read_all(session, _chosen(course, lab, students), lab)
        failures = _judge_all(session, readings, jobs, force, tell, log)
        recorded = gradebook.automatic_points(course, lab)
        results: list[Graded] = []
        for number, reading in enumerate(readings, start=1):
            student = reading.student
            if (error := failures.get(student)) is not None:
                results.append(Graded(student=student, lab=lab, status="failed", error=error))
            else:
                there = {} if force else recorded.get(student, {})
                results.append(_record(session, config, reading, there, log))
            tell("record", number, len(readings))
        return _with_scores(course, lab, results)


def _say_nothing(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def _alone(course: Course) -> Generator[None]:
    if not locks.acquire(course.root, locks.WHOLE_RUN):
        raise CourseError(f"Another labkit grade is at work in {course.root}. Wait until it ends.")
    try:
        yield
    finally:
        locks.release_submissions(course.root)
        locks.release(course.root, locks.WHOLE_RUN)


def _chosen(course: Course, lab: str, students: Sequence[str] | None) -> list[str]:
    there = course.handed_in(lab)
    if students is None:
        return there
    absent = sorted(set(students) - set(there))
    if absent:
        raise LabkitError(
            f"{', '.join(absent)} handed in nothing for {lab}. "
            f"Hand-ins there are: {', '.join(there) or 'none'}."
        )
    return sorted(set(students))


def _read_all(session: Session, students: Sequence[str], lab: str) -> list[Reading]:
    readings: list[Reading] = []
    for student in students:
        make_gradable(session.course, student, lab)
        if (session.course.submitted(student, lab) / f"{lab}.ipynb").is_file():
            readings.append(session.read(student, lab))
    return readings


def _judge_all(
    session: Session,
    readings: Sequence[Reading],
    jobs: int,
    force: bool,
    tell: Progress,
    log: logging.Logger,
) -> dict[str, str]:
    """Fill the cache. Returns why a student could not be judged, by student."""
    by_key = {r.key: r for r in readings if force or session.cached(r) is None}
    failures: dict[str, str] = {}
    tell("judge", 0, len(by_key))
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        waiting = {pool.submit(session.judge, r): key for key, r in by_key.items()}
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                error = future.exception()
                if isinstance(error, EnvironmentRefused) or not isinstance(error, Exception | None):
                    raise error
                if error is not None:
                    log.error("judging failed", exc_info=error)
                    same = [r.student for r in readings if r.key == waiting[future]]
                    failures |= dict.fromkeys(same, _in_short(error))
                tell("judge", done, len(by_key))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return failures


def _in_short(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1]}"


def _record(
    session: Session,
    config: object,
    reading: Reading,
    recorded: dict[str, float],
    log: logging.Logger,
) -> Graded:
    """Let nbgrader convert one submission, unless what is `recorded` is what it would record."""
    result = Graded(student=reading.student, lab=reading.lab, status="graded", notes=reading.notes)
    known = session.cached(reading)
    if known is not None:
        result = replace(result, verdict=with_notes(known.verdict, reading.notes))
    if _is_recorded(session, reading, recorded):
        return replace(result, status="unchanged")
    session.remember(reading)
    try:
        run("Autograde", config, reading.lab, student=reading.student, log=log)
    except CourseError as error:
        where = session.course.logs / f"grade-{reading.lab}.log"
        return replace(result, status="failed", error=f"nbgrader: {error} See {where}.")
    return result


def _is_recorded(session: Session, reading: Reading, recorded: dict[str, float]) -> bool:
    folder = session.course.autograded(reading.student, reading.lab)
    stamp = stamp_of(folder / f"{reading.lab}.ipynb")
    if (stamp.get("submission"), stamp.get("key")) != (reading.submission, reading.key):
        return False
    known = session.cached(reading)
    if known is None:
        return False
    return recorded == {e.exercise: e.points for e in known.verdict.exercises}


def _with_scores(course: Course, lab: str, results: Sequence[Graded]) -> list[Graded]:
    totals = gradebook.totals(course, lab)
    return [
        replace(
            r,
            score=totals[r.student].score,
            max_score=totals[r.student].max_score,
            waits_for_person=totals[r.student].waits_for_person,
        )
        if r.student in totals
        else r
        for r in results
    ]
