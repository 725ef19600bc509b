"""Reading nbgrader's gradebook: points a submission has there, and adding the roster to it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.course import Course
from autograder.roster import Student

GRADEBOOK = "gradebook.db"
CHECK = "check_"
"""A check cell's grade_id is this and the exercise's name."""


@dataclass(frozen=True)
class Total:
    """A submission's score, automatic and manual points together."""

    score: float
    max_score: float
    waits_for_person: bool


@contextmanager
def opened(course: Course, name: str = GRADEBOOK) -> Generator[Any]:
    """The `Gradebook` of nbgrader for the course, closed afterwards."""
    from nbgrader.api import Gradebook

    book: Any = Gradebook(f"sqlite:///{course.root / name}")
    try:
        yield book
    finally:
        book.close()


def create(course: Course) -> None:
    """Make the gradebook, whole or not at all, unless there is one."""
    target = course.root / GRADEBOOK
    if target.exists():
        return
    draft = course.root / f".{GRADEBOOK}"
    draft.unlink(missing_ok=True)
    with opened(course, draft.name):
        pass
    draft.rename(target)


def automatic_points(course: Course, lab: str) -> dict[str, dict[str, float]]:
    """Automatic points by student and exercise, of the submissions that are in the gradebook."""
    from nbgrader.api import MissingEntry

    with opened(course) as book:
        try:
            notebooks = book.find_notebook(lab, lab).submissions
        except MissingEntry:
            return {}
        return {notebook.student.id: _points(notebook) for notebook in notebooks}


def _points(notebook: Any) -> dict[str, float]:
    return {
        grade.name.removeprefix(CHECK): grade.auto_score
        for grade in notebook.grades
        if grade.name.startswith(CHECK) and grade.auto_score is not None
    }


def totals(course: Course, lab: str) -> dict[str, Total]:
    """The score of every submission of the lab, by student."""
    from nbgrader.api import MissingEntry

    with opened(course) as book:
        try:
            submissions = book.assignment_submissions(lab)
        except MissingEntry:
            return {}
        return {
            s.student_id: Total(s.score, s.max_score, bool(s.needs_manual_grade))
            for s in submissions
        }


def add_students(course: Course, students: Iterable[Student]) -> None:
    """Put the roster into the gradebook, so that who hands in nothing is exported too."""
    with opened(course) as book:
        for student in students:
            book.update_or_create_student(
                student.id, first_name=student.first_name, last_name=student.last_name
            )
