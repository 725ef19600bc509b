"""Feedback pages: the same bytes each time, readable, and harmless; and the exported grades."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import LabkitError
from autograder.export import COLUMNS, export
from autograder.grading import grade_lab
from autograder.grading.gradebook import opened
from autograder.grading.pages import write_feedback

LAB = "lab91_small"
HandIn = Callable[..., Path]


@pytest.fixture
def page(course: Course, judged: list[str], hand_in: HandIn) -> str:
    """The page of a student who tries to put a script into it."""
    hand_in(
        "ana", "wrong", written="**Because**<script>alert(1)</script> $a<b$ <img src=x onerror=y>"
    )
    grade_lab(course, LAB)
    (path,) = write_feedback(course, LAB)
    return path.read_text()


def test_the_page_shows_points_the_counterexample_and_the_next_step(page: str) -> None:
    assert f"{LAB} (Score: 0.0 / 9.0)" in page
    for shown in ("not right yet", "0 of 3 points", "<b>Because</b>|<strong>Because</strong>"):
        assert re.search(shown, page)
    text = re.sub(r"<[^>]+>", "", page).replace("&#40;", "(").replace("&#41;", ")")
    assert "double(4)" in text
    assert "labkit hint" in text.replace("&#95;", "_")


def test_the_page_asks_nothing_of_other_servers(page: str) -> None:
    assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"'> ]+""", page) == []
    assert "@import" not in page


def test_a_students_html_does_nothing(page: str) -> None:
    assert "<script>alert(1)" not in page
    assert not re.search(r"<img[^>]*onerror", page)


def test_grading_twice_gives_the_same_bytes(
    course: Course, judged: list[str], hand_in: HandIn
) -> None:
    for student, kind in {"ana": "solved", "bo": "wrong", "cy": "stub"}.items():
        hand_in(student, kind)
    grade_lab(course, LAB)
    first = [path.read_bytes() for path in write_feedback(course, LAB)]
    grade_lab(course, LAB, force=True, jobs=2)
    assert [path.read_bytes() for path in write_feedback(course, LAB)] == first
    assert len(first) == 3


def test_feedback_before_grading_says_what_to_do(course: Course) -> None:
    with pytest.raises(LabkitError, match="Grade first: labkit grade"):
        write_feedback(course, LAB)


def test_the_csv_has_nbgraders_columns_and_values_first_and_points_behind(
    course: Course, judged: list[str], hand_in: HandIn, tmp_path: Path
) -> None:
    from nbgrader.plugins import CsvExportPlugin

    hand_in("ana", "solved")
    grade_lab(course, LAB)
    with opened(course) as book:
        CsvExportPlugin(to=str(tmp_path / "theirs.csv")).export(book)
    theirs = list(csv.DictReader(io.StringIO((tmp_path / "theirs.csv").read_text())))
    ours = list(csv.DictReader(io.StringIO(export(course))))
    assert [{k: row[k] for k in COLUMNS} for row in ours] == theirs
    ana = next(row for row in ours if row["student_id"] == "ana")
    assert (ana[f"{LAB}:double"], ana[f"{LAB}:half"]) == ("3.0", "2.0")
    assert len(ours) == 4  # who handed in nothing is there too


def test_the_json_holds_the_same(course: Course, judged: list[str], hand_in: HandIn) -> None:
    hand_in("ana", "solved")
    grade_lab(course, LAB)
    rows = {row["student_id"]: row for row in json.loads(export(course, "json", lab="lab91"))}
    assert rows["ana"]["score"] == 5.0
    assert rows["bo"]["timestamp"] is None
