"""`labkit export`: the gradebook as CSV or JSON.

The first columns and the rows are those of `nbgrader export`; behind them stands one column a
graded cell with its points (automatic, manual and extra credit together, as nbgrader counts).
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Literal

from autograder.course import Course
from autograder.grading.gradebook import CHECK, opened

Format = Literal["csv", "json"]
COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


def export(course: Course, form: Format = "csv", *, lab: str | None = None) -> str:
    """The grades of every student in every lab, or in one, as text.

    Raises:
        LabError: the course has no such lab.
    """
    rows = grades(course, lab=lab)
    if form == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    cells = list(dict.fromkeys(name for row in rows for name in row["cells"]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, *cells])
    for row in rows:
        points = [row["cells"].get(name, "") for name in cells]
        writer.writerow([_plain(row[column]) for column in COLUMNS] + points)
    return out.getvalue()


def grades(course: Course, *, lab: str | None = None) -> list[dict[str, Any]]:
    """One row an assignment and student, with `cells`: points by graded cell."""
    only = course.lab(lab) if lab else None
    with opened(course) as book:
        return [
            _row(book, assignment, student)
            for assignment in book.assignments
            if only in (None, assignment.name)
            for student in book.students
        ]


def _row(book: Any, assignment: Any, student: Any) -> dict[str, Any]:
    from nbgrader.api import MissingEntry

    row: dict[str, Any] = {
        "assignment": assignment.name,
        "duedate": _time(assignment.duedate),
        "timestamp": None,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "raw_score": 0.0,
        "late_submission_penalty": 0.0,
        "score": 0.0,
        "max_score": assignment.max_score,
        "cells": {},
    }
    try:
        submission = book.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row
    penalty = submission.late_submission_penalty
    return row | {
        "timestamp": _time(submission.timestamp),
        "raw_score": submission.score,
        "late_submission_penalty": penalty,
        "score": max(0.0, submission.score - penalty),
        "cells": _cells(assignment, submission),
    }


def _cells(assignment: Any, submission: Any) -> dict[str, float]:
    return {
        f"{assignment.name}:{grade.name.removeprefix(CHECK)}": grade.score
        for notebook in submission.notebooks
        for grade in sorted(notebook.grades, key=lambda grade: grade.name)
    }


def _time(moment: Any) -> str | None:
    return None if moment is None else str(moment)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
