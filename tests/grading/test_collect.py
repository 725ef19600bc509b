"""Hand-ins of every shape end up in nbgrader's layout; nothing is lost, nothing stops the rest."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder import archives
from autograder.collect import Collected, collect
from autograder.course import Course
from autograder.errors import LabkitError
from autograder.grading import grade_lab

LAB = "lab91_small"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in box ü"
    folder.mkdir()
    return folder


@pytest.fixture
def notebook(course: Course) -> Callable[..., bytes]:
    """A notebook as a student would save it."""

    def make(double: str = "def double(x):\n    return 2 * x\n") -> bytes:
        made: dict[str, Any] = json.loads(course.release_path(LAB).read_text())
        for cell in made["cells"]:
            if cell["id"] == "double":
                cell["source"] = double
        return json.dumps(made).encode()

    return make


Make = Callable[..., bytes]


def put(path: Path, content: bytes, *, time: float = 1_000_000_000.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time, time))
    return path


def graded(course: Course, student: str) -> bytes:
    return (course.submitted(student, LAB) / f"{LAB}.ipynb").read_bytes()


def states(collected: list[Collected]) -> dict[str, str]:
    return {c.student: c.state for c in collected}


def kept(course: Course, student: str) -> list[str]:
    return sorted(p.name for p in course.submitted(student, LAB).glob("*.original"))


@pytest.mark.parametrize(
    "name",
    [
        f"ana/{LAB}/{LAB}.ipynb",
        f"submitted/ana/{LAB}/{LAB}.ipynb",
        "ana/my work.ipynb",
        "ana_lab91 final (2) ü.ipynb",
        "Ana.ipynb",
        "ana_12345_assignsubmission_file/x.ipynb",
    ],
)
def test_names_that_tell_the_student(
    course: Course, inbox: Path, notebook: Make, name: str
) -> None:
    put(inbox / name, notebook())
    assert states(collect(course, [inbox]).collected) == {"ana": "new"}
    assert graded(course, "ana") == notebook()
    assert states(collect(course, [inbox]).collected) == {"ana": "unchanged"}


def test_the_time_of_the_file_is_nbgraders_timestamp(
    course: Course, inbox: Path, notebook: Make
) -> None:
    put(inbox / "ana.ipynb", notebook())
    collect(course, [inbox])
    text = (course.submitted("ana", LAB) / "timestamp.txt").read_text()
    assert text == "2001-09-09 01:46:40.000000 UTC\n"


def test_of_two_files_the_newest_counts_and_the_other_is_kept(
    course: Course, inbox: Path, notebook: Make
) -> None:
    put(inbox / "ana_1.ipynb", notebook("# late"), time=2e9)
    put(inbox / "ana_2.ipynb", notebook("# early"), time=1e9)
    (only,) = collect(course, [inbox]).collected
    assert graded(course, "ana") == notebook("# late")
    assert only.notes == ("ana_2.ipynb is not graded; it is kept as ana_2.ipynb.original.",)


def test_a_later_hand_in_replaces_an_earlier_one_and_not_the_other_way_round(
    course: Course, tmp_path: Path, notebook: Make
) -> None:
    early = put(tmp_path / "1" / "ana.ipynb", notebook("# early"), time=1e9)
    late = put(tmp_path / "2" / "ana.ipynb", notebook("# late"), time=2e9)
    assert states(collect(course, [early]).collected) == {"ana": "new"}
    (second,) = collect(course, [late]).collected
    assert second.state == "updated"
    assert second.notes == (
        f"The hand-in before it is not graded; it is kept as {LAB}.ipynb.original.",
    )
    assert graded(course, "ana") == notebook("# late")
    assert states(collect(course, [early]).collected) == {"ana": "unchanged"}
    assert graded(course, "ana") == notebook("# late")
    assert kept(course, "ana") == [f"{LAB}.ipynb.original"]


def test_a_hand_in_that_calls_itself_a_replacement_is_kept_and_the_kits_own_is_not(
    course: Course, tmp_path: Path, notebook: Make
) -> None:
    posing = json.loads(notebook("# mine"))
    posing["metadata"]["labkit"] = {"handin_note": "put here by the kit"}
    for name, content in (("ana", json.dumps(posing).encode()), ("bo", b"no notebook")):
        collect(course, [put(tmp_path / "1" / f"{name}.ipynb", content, time=1e9)])
        collect(course, [put(tmp_path / "2" / f"{name}.ipynb", notebook("# late"), time=2e9)])
        (aside,) = kept(course, name)
        assert (course.submitted(name, LAB) / aside).read_bytes() == content


def test_somebody_unknown_goes_to_quarantine_and_the_rest_goes_on(
    course: Course, inbox: Path, notebook: Make
) -> None:
    put(inbox / "zoe_x.ipynb", notebook())
    put(inbox / "bo_x.ipynb", notebook())
    put(inbox / "grades of last year.csv", b"mine")
    result = collect(course, [inbox])
    assert states(result.collected) == {"bo": "new"}
    assert result.quarantined == [
        "zoe_x.ipynb: 'zoe' is not on the roster. Kept as quarantine/zoe_x.ipynb."
    ]
    assert (course.root / "quarantine" / "zoe_x.ipynb").read_bytes() == notebook()


BAD = {
    "not JSON": b"print('hello')",
    "empty": b"",
    "a list": b"[1, 2]",
    "an old format": b'{"nbformat": 3, "worksheets": []}',
    "no UTF-8": b"\xff\xfe\x00",
    "nested deeply": b"[" * 100_000,
    "large": b'{"nbformat": 4, "cells": [], "x": "' + b"x" * 50_000_000 + b'"}',
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_notebook_gets_a_0_with_a_reason_and_is_kept(
    course: Course, inbox: Path, judged: list[str], kind: str
) -> None:
    put(inbox / "ana.ipynb", BAD[kind])
    (only,) = collect(course, [inbox]).collected
    (result,) = grade_lab(course, LAB)
    assert (result.status, result.points, result.max_points) == ("graded", 0.0, 5.0)
    assert "could not be graded" in result.notes[0]
    assert only.notes
    original = course.submitted("ana", LAB) / f"{LAB}.ipynb.original"
    assert original.read_bytes() == BAD[kind]
    assert not (course.autograded("ana", LAB) / original.name).exists()
    assert states(collect(course, [inbox]).collected) == {"ana": "unchanged"}


def test_a_hand_in_that_is_a_pdf_gets_a_0_with_a_reason(
    course: Course, inbox: Path, judged: list[str]
) -> None:
    put(inbox / "ana" / "report.pdf", b"%PDF")
    collect(course, [inbox])
    (result,) = grade_lab(course, LAB)
    assert (result.points, result.notes[0]) == (0.0, "The hand-in holds no notebook.")
    assert kept(course, "ana") == ["report.pdf.original"]


def test_a_notebook_of_another_lab_gets_a_0_that_names_both(
    course: Course, inbox: Path, judged: list[str]
) -> None:
    other = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"labkit": {"lab": "lab03_other"}},
        "cells": [],
    }
    put(inbox / "ana.ipynb", json.dumps(other).encode())
    collect(course, [inbox])
    (result,) = grade_lab(course, LAB)
    assert result.points == 0.0
    assert "lab03_other" in result.notes[0] and LAB in result.notes[0]


def test_a_notebook_whose_cells_nbgrader_cannot_read_is_graded_for_the_rest(
    course: Course, inbox: Path, notebook: Make, judged: list[str]
) -> None:
    made = json.loads(notebook())
    made["cells"][0] = 17
    put(inbox / "ana.ipynb", json.dumps(made).encode())
    collect(course, [inbox])
    (result,) = grade_lab(course, LAB)
    assert (result.status, result.points) == ("graded", 3.0)


def test_a_missing_path_is_said(course: Course, tmp_path: Path) -> None:
    with pytest.raises(LabkitError, match=r"There is nothing at .*nowhere"):
        collect(course, [tmp_path / "nowhere"])


def test_archives_are_unpacked_without_what_is_dangerous(
    course: Course, tmp_path: Path, notebook: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBER", 1_000_000)
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("ana/work.ipynb", notebook())
        file.writestr("../../bo_evil.ipynb", notebook())
        file.writestr("/etc/bo.ipynb", notebook())
        link = zipfile.ZipInfo("bo_link.ipynb")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("cy_bomb.ipynb", b"0" * 5_000_000)
        file.writestr("__MACOSX/ana/._work.ipynb", b"noise")
    result = collect(course, [archive])
    assert states(result.collected) == {"ana": "new"}
    assert [w.split(": ", 1)[1] for w in result.warnings] == [
        "'../../bo_evil.ipynb' points outside the archive; left out.",
        "'/etc/bo.ipynb' points outside the archive; left out.",
        "'bo_link.ipynb' is a link; left out.",
        "'cy_bomb.ipynb' is larger than 1 MB unpacked; left out.",
    ]


def test_a_students_own_archive_in_a_folder_is_opened(
    course: Course, inbox: Path, notebook: Make
) -> None:
    with zipfile.ZipFile(inbox / "ana.zip", "w") as file:
        file.writestr("work.ipynb", notebook())
    put(inbox / "bo.zip", b"no archive")
    result = collect(course, [inbox])
    assert states(result.collected) == {"ana": "new"}
    assert len(result.warnings) == 1 and "bo.zip is not a zip archive" in result.warnings[0]


@pytest.mark.parametrize("inside", ["bo/work.ipynb", "bo.ipynb", f"x/bo_1/{LAB}.ipynb"])
def test_what_stands_inside_a_students_folder_or_archive_is_theirs(
    course: Course, inbox: Path, notebook: Make, inside: str
) -> None:
    put(inbox / "ana_77_assignsubmission_file" / inside, notebook("# in a folder"))
    with zipfile.ZipFile(inbox / "cy.zip", "w") as file:
        file.writestr(inside, notebook("# in an archive"))
    assert states(collect(course, [inbox]).collected) == {"ana": "new", "cy": "new"}
    (folder,) = inbox.glob("ana*")
    assert states(collect(course, [folder]).collected) == {"ana": "unchanged"}


def test_names_as_long_as_a_file_system_takes_stop_nothing(
    course: Course, inbox: Path, notebook: Make
) -> None:
    put(inbox / f"ana_{'x' * 240}1.ipynb", notebook("# early"), time=1e9)
    put(inbox / f"ana_{'x' * 240}2.ipynb", notebook("# late"), time=2e9)
    put(inbox / ("zoe" + "/".join("d" * 100 for _ in range(5))) / "zoe.ipynb", notebook())
    assert set(states(collect(course, [inbox]).collected)) == {"ana"}
    assert graded(course, "ana") == notebook("# late")
    (name,) = kept(course, "ana")
    assert name.startswith("ana_xxx") and name.endswith("x1.ipynb.original")
    (quarantined,) = (course.root / "quarantine").iterdir()
    assert quarantined.read_bytes() == notebook()


def test_a_link_in_submitted_is_not_followed(
    course: Course, tmp_path: Path, judged: list[str]
) -> None:
    secret = put(tmp_path / "secret.txt", b"secret")
    folder = course.submitted("ana", LAB)
    folder.mkdir(parents=True)
    (folder / f"{LAB}.ipynb").symlink_to(secret)
    (folder / "notes.txt").symlink_to(secret)
    (result,) = grade_lab(course, LAB)
    assert result.points == 0.0
    assert [p.name for p in course.autograded("ana", LAB).iterdir()] == [f"{LAB}.ipynb"]
    assert secret.read_bytes() == b"secret"


def test_the_courses_own_folder_can_be_collected(
    course: Course, hand_in: Callable[..., Path]
) -> None:
    path = hand_in("ana", "solved")
    before = path.read_bytes()
    result = collect(course, [course.root / "submitted"])
    assert states(result.collected) == {"ana": "unchanged"}
    assert path.read_bytes() == before
