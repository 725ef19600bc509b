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
    seed_hash="ee",
    level="A",
    limits={"double": {"cpu_seconds": 10.0}},
    points=3.0,
    max_points=5.0,
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
    assert not ledger.append(path, replace(ENTRY, seconds=9.0, at="2027-01-01T00:00:00+00:00"))
    assert path.read_bytes() == before


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
