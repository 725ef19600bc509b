"""Reads a course's graded lab into the rows of the overview."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.grading import gradebook
from autograder.grading.session import Session, session_for, with_notes
from autograder.judge.verdict import Verdict
from autograder.report.overview import Row
from autograder.roster import read_roster


def rows_of(course: Course, lab: str, page: Path) -> list[Row]:
    """One row for each student of the roster and each hand-in of `lab`.

    Feedback links are relative to `page`. A hand-in that is not graded yet has no verdict.

    Raises:
        LabError: the course has no such lab.
    """
    lab = course.lab(lab)
    roster = read_roster(course.roster_path) if course.roster_path.exists() else {}
    names = {student.id: student.name for student in roster.values()}
    session, written = session_for(course.root), _written(course, lab)
    handed_in = set(course.handed_in(lab))
    rows: list[Row] = []
    for student in sorted(set(names) | handed_in):
        points, most = written.get(student, (None, 0.0))
        rows.append(
            Row(
                student=student,
                name=names.get(student, ""),
                verdict=_verdict(session, student, lab) if student in handed_in else None,
                handed_in=student in handed_in,
                written=points,
                written_max=most,
                feedback=_feedback(course, student, lab, page),
            )
        )
    return rows


def _verdict(session: Session, student: str, lab: str) -> Verdict | None:
    if not (session.course.submitted(student, lab) / f"{lab}.ipynb").is_file():
        return None
    reading = session.read(student, lab)
    known = session.cached(reading)
    return with_notes(known.verdict, reading.notes) if known else None


def _feedback(course: Course, student: str, lab: str, page: Path) -> str | None:
    target = course.root / "feedback" / student / lab / f"{lab}.html"
    return Path(os.path.relpath(target, page.parent)).as_posix() if target.is_file() else None


def _written(course: Course, lab: str) -> dict[str, tuple[float | None, float]]:
    """Points given by hand, and the most there are; None while one answer still waits."""
    from nbgrader.api import MissingEntry

    found: dict[str, tuple[float | None, float]] = {}
    with gradebook.opened(course) as book:
        try:
            submissions: list[Any] = book.assignment_submissions(lab)
        except MissingEntry:
            return found
        for submission in submissions:
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            ours = [g for g in grades if not g.name.startswith(gradebook.CHECK)]
            waits = any(g.needs_manual_grade for g in ours)
            points = None if waits else float(sum(g.score for g in ours))
            found[submission.student_id] = (points, float(sum(g.max_score for g in ours)))
    return found
