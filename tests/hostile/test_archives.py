"""Hand-ins that are attacks by themselves: collected, each reaches only its own student."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import archives
from autograder.collect import Collection, collect
from autograder.course import Course
from autograder.course_init import init_course

from .attacks import archives as attacks
from .attacks.archives import HONEST_TIME, NAME, HandIn, put
from .harness import LAB, ROW


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a roster, never used itself."""
    base = tmp_path_factory.mktemp("archives")
    shutil.copytree(LAB, base / "solutions" / NAME)
    (base / "roster.csv").write_text("id,name\nana,Ana\nmallory,Mallory\nbo,Bo\n")
    init_course(base / "course", roster=base / "roster.csv", seed="x", solutions=base / "solutions")
    return base / "course"


@pytest.fixture
def course(template: Path, tmp_path: Path) -> Course:
    return Course.load(Path(shutil.copytree(template, tmp_path / "course")))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def collected(course: Course, inbox: Path, attack: HandIn) -> Collection:
    """The inbox with the attack in it, collected after Ana's and together with Bo's hand-in."""
    notebook = course.release_path(NAME).read_bytes()
    put(inbox / "bo.ipynb", notebook, HONEST_TIME)
    attack.put(inbox, json.dumps(json.loads(notebook)).encode())
    return collect(course, [inbox])


@pytest.mark.parametrize("attack", attacks.ATTACKS, ids=str)
def test_a_hand_in_reaches_its_own_student_only(
    course: Course,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    attack: HandIn,
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBER", 1_000_000)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 200)
    put(tmp_path / "first" / "ana.ipynb", course.release_path(NAME).read_bytes(), HONEST_TIME)
    collect(course, [tmp_path / "first"])
    inbox, ana = tmp_path / "inbox", course.root / "submitted" / "ana"
    inbox.mkdir()
    before, outside = tree(ana), {p.name for p in tmp_path.iterdir()}
    result = collected(course, inbox, attack)
    assert tree(ana) == before
    assert {p.name for p in tmp_path.iterdir()} == outside
    assert {p.name for p in (course.root / "submitted").iterdir()} <= {"ana", "bo", "mallory"}
    assert [c.student for c in result.collected if c.student == "bo"] == ["bo"]
    assert list(course.submitted("bo", NAME).glob("*.ipynb"))
    theirs = [c for c in result.collected if c.student == "mallory"]
    assert theirs or result.quarantined or result.warnings, "somebody must be told"
    ended = theirs[0].state if theirs else "left out, and said so"
    record_property(ROW, [attack.family, attack.name, "-", ended])


def test_the_dates_in_a_students_archive_count_for_nothing(course: Course, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    collected(course, tmp_path / "inbox", attacks.dated)
    stamp = (course.submitted("mallory", NAME) / "timestamp.txt").read_text()
    assert stamp.startswith("2023-11-14")
