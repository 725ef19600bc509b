"""The time of a hand-in is one that its author cannot write: no `timestamp.txt` of theirs."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from autograder.collect import collect
from autograder.course import Course
from autograder.handin_source import recorded_time

LAB = "lab91_small"
CAME, CLAIMED = 1_700_000_000.0, 1_000_000_000.0
STAMP = b"2001-09-09 01:46:40.000000 UTC"


@pytest.fixture
def notebook(course: Course) -> bytes:
    return course.release_path(LAB).read_bytes()


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (CAME, CAME))
    return path


def handed_in_at(course: Course, *paths: Path) -> float | None:
    """When ana's hand-in came, after collecting `paths`."""
    collect(course, paths)
    return recorded_time(course.submitted("ana", LAB))


@pytest.mark.parametrize("named", ["inbox", "inbox/ana"])
@pytest.mark.parametrize("inside", ["", LAB, f"submitted/ana/{LAB}", "submitted"])
def test_a_timestamp_in_a_students_folder_is_not_believed(
    course: Course, tmp_path: Path, notebook: bytes, inside: str, named: str
) -> None:
    folder = tmp_path / "inbox" / "ana" / inside
    put(folder / f"{LAB}.ipynb", notebook)
    put(folder / "timestamp.txt", STAMP)
    assert handed_in_at(course, tmp_path / named) == CAME


def test_a_late_hand_in_stays_the_newest_whatever_it_claims(
    course: Course, tmp_path: Path, notebook: bytes
) -> None:
    put(tmp_path / "first" / "ana" / f"{LAB}.ipynb", notebook)
    changed = json.dumps({**json.loads(notebook), "metadata": {}}).encode()
    folder = tmp_path / "second" / "ana"
    os.utime(put(folder / f"{LAB}.ipynb", changed), (CAME + 60, CAME + 60))
    put(folder / "timestamp.txt", STAMP)
    assert handed_in_at(course, tmp_path / "first", tmp_path / "second") == CAME + 60
    assert (course.submitted("ana", LAB) / f"{LAB}.ipynb").read_bytes() == changed


@pytest.mark.parametrize("named", ["", "submitted", "submitted/ana", f"submitted/ana/{LAB}"])
def test_nbgraders_own_layout_keeps_its_time(
    course: Course, tmp_path: Path, notebook: bytes, named: str
) -> None:
    folder = tmp_path / "other" / "submitted" / "ana" / LAB
    put(folder / f"{LAB}.ipynb", notebook)
    put(folder / "timestamp.txt", STAMP)
    assert handed_in_at(course, tmp_path / "other" / named) == CLAIMED


def test_an_archive_of_nbgraders_folder_keeps_its_times(
    course: Course, tmp_path: Path, notebook: bytes
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.writestr(f"submitted/ana/{LAB}/{LAB}.ipynb", notebook)
        file.writestr(f"submitted/ana/{LAB}/timestamp.txt", STAMP)
    assert handed_in_at(course, tmp_path / "all.zip") == CLAIMED


def test_an_archive_of_the_class_gives_each_file_its_date(
    course: Course, tmp_path: Path, notebook: bytes
) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as file:
        member = zipfile.ZipInfo("ana_12_file/work.ipynb", (2023, 11, 14, 22, 13, 20))
        file.writestr(member, notebook)
        file.writestr("ana_12_file/timestamp.txt", STAMP)
    assert handed_in_at(course, tmp_path / "class.zip") == CAME


def test_without_a_roster_too_an_archive_of_a_students_own_has_its_own_date(
    course: Course, tmp_path: Path, notebook: bytes
) -> None:
    course.roster_path.unlink()
    (tmp_path / "inbox").mkdir()
    with zipfile.ZipFile(tmp_path / "inbox" / "ana.zip", "w") as file:
        file.writestr(zipfile.ZipInfo("work.ipynb", (2001, 9, 9, 1, 46, 40)), notebook)
    os.utime(tmp_path / "inbox" / "ana.zip", (CAME, CAME))
    assert handed_in_at(course, tmp_path / "inbox") == CAME
