"""The ledger shows every change, survives a torn line and never repeats itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autograder import ledger
from autograder.errors import CourseError

ENTRY = ledger.Entry(
    student="ana",
    lab="lab91_small",
    submission="aa",
    key="bb",
    verdict="cc",
    lab_hash="dd",
    judge_hash="ff",
    seed_hash="ee",
    level="A",
    limits={"double": {"cpu_seconds": 10.0}},
    submission_limits={"cpu_seconds": 120.0},
    service={"tokens": 400, "steps": 6},
    exercises={"double": {"points": 3.0, "max_points": 5.0, "status": "failed"}},
    incidents={"double": ["cpu limit"]},
    notes=[],
    points=3.0,
    max_points=5.0,
    timings={"double": {"cpu_seconds": 0.5}},
    seconds=1.25,
    at="2026-01-01T00:00:00+00:00",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of three lines."""
    path = tmp_path / "ledger.jsonl"
    for student in ("ana", "bo", "cy"):
        assert ledger.append(path, replace(ENTRY, student=student))
    return path


def test_a_sound_ledger_has_no_problems(path: Path) -> None:
    assert ledger.verify(path) == []
    assert [line["student"] for line in ledger.read(path)] == ["ana", "bo", "cy"]


def test_no_ledger_is_a_sound_one(tmp_path: Path) -> None:
    assert ledger.verify(tmp_path / "none") == []


def test_the_same_judgement_is_entered_once_whenever_it_is_made(path: Path) -> None:
    before = path.read_bytes()
    later = {"seconds": 9.0, "timings": {}, "at": "2027-01-01T00:00:00+00:00"}
    assert not ledger.append(path, replace(ENTRY, **later))
    assert path.read_bytes() == before


def test_who_hands_in_the_first_version_again_gets_a_line_again(path: Path) -> None:
    """Else the last line would be that of a version which is not the graded one."""
    assert ledger.append(path, replace(ENTRY, submission="second"))
    assert ledger.append(path, ENTRY)
    assert ledger.newest(path)["ana", "lab91_small"]["submission"] == "aa"
    assert ledger.verify(path) == []


def test_the_same_work_of_another_lab_or_student_is_not_mistaken_for_it(path: Path) -> None:
    assert ledger.append(path, replace(ENTRY, lab="lab92"))
    assert ledger.append(path, replace(ENTRY, student='a"n,a'))
    assert not ledger.append(path, replace(ENTRY, student='a"n,a'))
    assert not ledger.append(path, ENTRY)


def test_a_line_put_in_twice_is_named(path: Path) -> None:
    forged = ledger._line(replace(ENTRY, student="cy"), ledger.head(path))
    path.write_text(path.read_text() + forged)
    assert ledger.verify(path) == ["line 4 repeats the line before it on cy in lab91_small."]


@pytest.mark.parametrize("line", ["[]", "3", '{"hash": "a"}', "no JSON", ""])
def test_what_is_no_line_is_named_and_read_over(path: Path, line: str) -> None:
    path.write_text(path.read_text() + line + "\n")
    assert ledger.verify(path) == ["line 4 is not a line of a ledger."]
    assert set(ledger.newest(path)) == {(s, "lab91_small") for s in ("ana", "bo", "cy")}


def test_a_changed_line_is_named(path: Path) -> None:
    path.write_text(path.read_text().replace('"points":3.0', '"points":5.0', 1))
    assert ledger.verify(path) == ["line 1 was changed after it was written."]


def test_a_dropped_line_is_named(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2])
    assert ledger.verify(path) == ["line 2 does not follow the line before it."]


def test_a_changed_line_with_a_new_hash_breaks_the_chain(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    forged = ledger._line(replace(ENTRY, points=5.0), ledger.GENESIS)
    path.write_text(forged + "".join(lines[1:]))
    assert ledger.verify(path) == ["line 2 does not follow the line before it."]


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_torn_by_a_kill_is_replaced_by_the_next_append(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])
    assert ledger.append(path, replace(ENTRY, student="cy"))
    assert ledger.verify(path) == []
    assert [line["student"] for line in ledger.read(path)] == ["ana", "bo", "cy"]


def test_a_ledger_that_ends_in_something_else_is_not_written_to(path: Path) -> None:
    path.write_text(path.read_text() + json.dumps({"a": 1}) + "\n")
    before = path.read_bytes()
    with pytest.raises(CourseError, match="damaged"):
        ledger.append(path, replace(ENTRY, student="dee"))
    assert path.read_bytes() == before
