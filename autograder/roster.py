"""The roster: a CSV file with a header line and the columns `id` and `name`.

An id names a student everywhere (folders, gradebook, export), so it must be usable as a folder
name and as nbgrader's student pattern, which rules out blanks and wildcards.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError

ID = re.compile(r"[\w@-][\w.@-]{0,63}")
ID_RULE = "letters, digits, '_', '-', '@' and inner dots, at most 64 characters"


@dataclass(frozen=True)
class Student:
    """One line of the roster."""

    id: str
    name: str

    @property
    def first_name(self) -> str:
        """All of the name but its last word."""
        return " ".join(self.name.split()[:-1])

    @property
    def last_name(self) -> str:
        """The last word of the name."""
        return self.name.split()[-1] if self.name.split() else ""


def valid_id(student: str) -> bool:
    """Whether `student` can be a student's id."""
    return ID.fullmatch(student) is not None and not student.endswith(".")


def read_roster(path: Path) -> dict[str, Student]:
    """The students of a roster file, by id.

    Raises:
        CourseError: the file cannot be read or a line is wrong; every wrong line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CourseError(f"There is no roster at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"The roster {path} cannot be read as UTF-8 text: {error}") from error
    return parse_roster(text, str(path))


def parse_roster(text: str, origin: str) -> dict[str, Student]:
    """The students in a roster's text. `origin` names the file in errors."""
    lines = csv.reader(io.StringIO(text))
    header = [column.strip().lower() for column in next(lines, [])]
    if "id" not in header or "name" not in header:
        raise CourseError(
            f"{origin}, line 1: the columns are {', '.join(header) or 'missing'}. "
            "A roster starts with the line: id,name"
        )
    students: dict[str, Student] = {}
    problems: list[str] = []
    for row in lines:
        if not any(cell.strip() for cell in row):
            continue
        problem = _add(students, row, header)
        if problem:
            problems.append(f"{origin}, line {lines.line_num}: {problem}")
    if problems:
        raise CourseError("\n".join(problems))
    return students


def _add(students: dict[str, Student], row: list[str], header: list[str]) -> str | None:
    if len(row) < max(header.index("id"), header.index("name")) + 1:
        return f"{len(row)} values, expected {len(header)} ({', '.join(header)})."
    student = Student(row[header.index("id")].strip(), row[header.index("name")].strip())
    if not valid_id(student.id):
        return f"{student.id!r} cannot be a student id. Allowed: {ID_RULE}."
    same = next((known for known in students if known.casefold() == student.id.casefold()), None)
    if same is not None:
        return f"the id {student.id!r} is used twice (also for {students[same].name or same})."
    students[student.id] = student
    return None
