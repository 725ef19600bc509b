"""Does everything else agree with the ledger? The gradebook, the hand-ins, the labs of today.

A problem is what must not be: points in the gradebook that no judgement stands behind. A remark is
what an instructor should know in an appeal: a newer hand-in, a judge or a lab that has changed.
Points given by hand, extra credit and penalties for lateness are no judgement, and not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder import ledger
from autograder.course import Course, lab_hash
from autograder.errors import CourseError
from autograder.grading import cache, gradebook
from autograder.grading.session import file_hash

CENT = 5e-7
"""Points are written to the gradebook with six digits."""


@dataclass(frozen=True)
class Report:
    """What `labkit ledger verify` found."""

    lines: int
    head: str
    """Hash of the last line. Noted down elsewhere, it proves later that nothing was cut off."""
    problems: tuple[str, ...]
    remarks: tuple[str, ...]


def verify(course: Course, *, expected: str | None = None) -> Report:
    """Check the chain, then the gradebook and the hand-ins against it.

    `expected` is the hash of a line, noted down earlier: that line must still be there.
    """
    path = course.ledger_path
    problems = ledger.verify(path)
    lines = ledger.read(path)
    if expected is not None and expected not in {str(line.get("hash")) for line in lines}:
        problems.append(
            f"no line has the hash {expected}: what it stood for was cut off or changed."
        )
    newest = ledger.newest(path)
    if (course.root / gradebook.GRADEBOOK).is_file():
        for lab in sorted(course.data.labs):
            problems += _gradebook_problems(course, lab, newest)
    else:  # opening it would make a new one
        problems.append(f"{gradebook.GRADEBOOK} is not there.")
    torn = ["the last line is torn; grading again writes it anew."] if ledger.is_torn(path) else []
    return Report(
        len(lines), ledger.head(path), tuple(problems), (*torn, *_remarks(course, newest))
    )


Newest = dict[tuple[str, str], dict[str, Any]]


def _gradebook_problems(course: Course, lab: str, newest: Newest) -> Iterator[str]:
    recorded = gradebook.automatic_points(course, lab)
    for student in sorted(recorded):
        line = newest.get((student, lab))
        yield from differences(student, lab, recorded[student], line)
    for student, of in sorted(newest):
        if of == lab and student not in recorded:
            yield f"{student}, {lab}: judged, but not in the gradebook. Run labkit grade {lab}."


def differences(
    student: str, lab: str, recorded: dict[str, float], line: dict[str, Any] | None
) -> list[str]:
    """Where the gradebook's automatic points are not those of the student's last line."""
    if line is None:
        had = sum(recorded.values())
        told = f"{student}, {lab}: the gradebook has {had:g} points and the ledger has no line"
        return [f"{told}. Run labkit grade {lab} --force."] if recorded else []
    judged = {name: one["points"] for name, one in line.get("exercises", {}).items()}
    return [
        f"{student}, {lab}, {name}: the gradebook says {_points(recorded.get(name))}, "
        f"the ledger {_points(judged.get(name))}."
        for name in sorted(recorded.keys() | judged.keys())
        if not _equal(recorded.get(name), judged.get(name))
    ]


def _points(points: float | None) -> str:
    return "nothing" if points is None else f"{points:g}"


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= CENT


def _remarks(course: Course, newest: Newest) -> Iterator[str]:
    sources = {lab: source_now(course, lab) for lab in course.data.labs}
    for (student, lab), line in sorted(newest.items()):
        if lab not in sources:
            yield f"{student}, {lab}: this course has no such lab any more."
            continue
        handed_in = file_hash(course.submitted(student, lab) / f"{lab}.ipynb")
        for change in changes(course, line, handed_in, sources[lab]):
            yield f"{student}, {lab}: {change}"


def source_now(course: Course, lab: str) -> str | None:
    """The hash of the lab's source as it is now; None when it is not there."""
    try:
        return lab_hash(course.solution_dir(lab))
    except CourseError:
        return None


def changes(course: Course, line: dict[str, Any], handed_in: str, source: str | None) -> list[str]:
    """What is not as it was when the line was written, one sentence each.

    `handed_in` is the sha256 of the hand-in of today, `source` the hash of the lab's source.
    """
    found: list[str] = []
    if handed_in != line["submission"]:
        found.append(
            "the hand-in is not the file that was judged. "
            f"If it is a newer one, run labkit grade {line['lab']}."
        )
    if source is None:
        found.append("the lab's source is not where the course says.")
    elif source != line["lab_hash"]:
        found.append("the lab's source changed since.")
    if cache.tool_hash() != line.get("judge_hash"):
        found.append("the judge or a package it computes with changed since.")
    if course.seed_hash != line["seed_hash"]:
        found.append("the seed is not the one it was judged with.")
    return found
