"""The overview counts what it says it counts, and its page is safe and self-contained."""

import re
from pathlib import Path

import pytest

from autograder.judge.verdict import ExerciseVerdict, Status, Verdict
from autograder.report.overview import Row, overview
from autograder.report.page import render, write_page


def result(exercise: str, points: float, status: Status, sentence: str | None) -> ExerciseVerdict:
    return ExerciseVerdict(
        exercise=exercise,
        points=points,
        max_points=2,
        status=status,
        cases_passed=0,
        cases_total=3,
        diagnosis=sentence,
    )


def row(student: str, *results: ExerciseVerdict, **more: object) -> Row:
    verdict = Verdict(lab="lab90", seed="s", level="A", exercises=results)
    return Row(student=student, name=student.title(), verdict=verdict, **more)  # type: ignore[arg-type]


ROWS = [
    row("eve", result("merge", 0, "failed", "You forgot alpha."), written=1.5, written_max=3),
    row("bob", result("merge", 0, "failed", "You forgot alpha.")),
    row("ann", result("merge", 2, "passed", None)),
    Row(student="dan", name="<script>alert(1)</script>", verdict=None),
]


def test_students_are_sorted_and_exercises_summed() -> None:
    seen = overview("lab90", "Lab 90", ROWS)
    assert [r.student for r in seen.rows] == ["ann", "bob", "dan", "eve"]
    (merge,) = seen.exercises
    assert (merge.passed, merge.submissions) == (1, 3)
    assert merge.mean_points == pytest.approx(2 / 3)
    assert merge.common == (("You forgot alpha.", 2),)


def test_a_class_that_handed_nothing_in_still_has_a_page() -> None:
    seen = overview("lab90", "Lab 90", [Row(student="dan", name="", verdict=None)])
    assert seen.exercises == ()
    assert "nothing handed in" in render(seen)


def test_a_hand_in_without_a_verdict_waits_for_one() -> None:
    page = render(overview("lab90", "L", [Row(student="d", name="", verdict=None, handed_in=True)]))
    assert "to grade" in page and "nothing handed in" not in page


def test_page_escapes_names_and_requests_nothing() -> None:
    page = render(overview("lab90", "Lab 90", ROWS))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert "1.5 of 3" in page and "to grade" in page


def test_page_is_written_whole(tmp_path: Path) -> None:
    seen = overview("lab90", "Lab 90", ROWS)
    target = write_page(seen, tmp_path / "reports" / "lab90.html")
    assert target.read_text(encoding="utf-8") == render(seen)
    assert list(target.parent.iterdir()) == [target]
