"""A whole course of attackers, graded the real way at each level: the others get what is theirs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autograder import ledger
from autograder.build.source import source_notebook
from autograder.course import Course
from autograder.course_init import init_course
from autograder.grading import grade_lab, gradebook, session
from autograder.grading.batch import Graded
from autograder.grading.pages import write_feedback
from autograder.grading.session import Session
from autograder.sandbox import client
from autograder.sandbox.probe import probe

from .harness import LAB, WRONG

pytestmark = [pytest.mark.jail, pytest.mark.slow]

FULL = {"scale": 3.0, "soften": 3.0, "counter": 2.0}
NOTHING = dict.fromkeys(FULL, 0.0)

SPOIL = """\
import os, pathlib, signal, sqlite3, time
root = pathlib.Path({root!r})
def spoil():
    for path in [root / "gradebook.db", root / "ledger.jsonl", root / "course.json",
                 *root.glob("submitted/*/*/*"), *root.glob("autograded/*/*/*"),
                 *root.glob("verdicts/*"), *root.glob("release/*/*")]:
        try: path.write_text("spoilt")
        except OSError: pass
    try:
        with sqlite3.connect(root / "gradebook.db") as book:
            book.execute("update grade set auto_score = 100")
    except sqlite3.Error: pass
"""

ATTACKS: dict[str, str] = {
    "bea-spoils": SPOIL + "spoil()\n" + WRONG["scale"],
    "cid-kills": "import os\nfor pid in (os.getppid(), {grader}):\n"
    "    try: os.kill(pid, 9)\n    except OSError: pass\nos._exit(0)",
    "dan-forks": SPOIL
    + "try:\n    if os.fork() == 0:\n        time.sleep(1); spoil(); os._exit(0)\n"
    "except OSError: pass\n" + WRONG["scale"],
    "eve-floods": "def scale(values, target):\n    while True: print('x' * 9999)",
    "fay-hoards": "def scale(values, target):\n    return bytearray(10 ** 12)",
    "gus-spins": "def scale(values, target):\n    while True: pass",
}
SAYS = {
    "bea-spoils": "expected",
    "cid-kills": "ended its own process",
    "dan-forks": "expected",
    "eve-floods": "printed more than allowed",
    "fay-hoards": "used more memory than allowed",
    "gus-spins": "used up its time",
}
INCIDENTS = {
    "ada-solved": {},
    "bea-spoils": {},  # what fails quietly cannot be seen
    "cid-kills": {"scale": ["process ended"]},
    "dan-forks": {},
    "eve-floods": {"scale": ["output limit"]},
    "fay-hoards": {"scale": ["memory limit"]},
    "gus-spins": {"scale": ["cpu limit"]},
    "zoe-solved": {},
}
LINES_BEFORE_THE_KILL = 5


@dataclass(frozen=True)
class Batch:
    """A graded course: two honest students, one before and one after all attackers."""

    course: Course
    level: str
    results: list[Graded]
    handed_in: dict[Path, str]
    spared: dict[Path, str]
    """Files that grading does not write."""
    ungraded: Course
    """A copy from before it was graded."""


@pytest.fixture(scope="module", params=["A", "B"])
def batch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    offered = probe().level
    if offered is None or (request.param == "A" and offered != "A"):
        pytest.skip(f"this kernel offers level {offered}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Session, "level", request.param)
        patched.setattr(client, "PRELOAD", ("numpy", "torch"))  # all that this lab imports
        yield _graded(tmp_path_factory.mktemp("course"), request.param)
        session.close_sessions()


def _graded(base: Path, level: str) -> Batch:
    shutil.copytree(LAB, base / "solutions" / LAB.name)
    course = init_course(base / "course", seed="a seed", solutions=base / "solutions")
    solved: Any = source_notebook(LAB)
    release = json.loads(course.release_path(LAB.name).read_text())
    _hand_in(course, "ada-solved", solved, {})
    _hand_in(course, "zoe-solved", solved, {})
    for student, code in ATTACKS.items():
        text = code.replace("{root!r}", repr(str(course.root))).replace(
            "{grader}", str(os.getpid())
        )
        _hand_in(course, student, release, {"scale": text})
    handed_in = _hashes(course.root / "submitted")
    spared = _hashes(course.root / "release") | _hashes(base / "solutions")
    shutil.copytree(course.root, base / "ungraded")
    results = grade_lab(course, LAB.name, jobs=2)
    ungraded = Course.load(base / "ungraded")
    return Batch(course, level, results, handed_in, spared, ungraded)


def _hand_in(course: Course, student: str, notebook: Any, answers: dict[str, str]) -> None:
    path = course.submitted(student, LAB.name) / f"{LAB.name}.ipynb"
    path.parent.mkdir(parents=True)
    copied = json.loads(json.dumps(notebook))
    for cell in copied["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.write_text(json.dumps(copied))


def _hashes(folder: Path) -> dict[Path, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_student_gets_what_is_theirs(batch: Batch) -> None:
    assert [(r.student, r.error) for r in batch.results if r.error] == []
    points = gradebook.automatic_points(batch.course, LAB.name)
    assert points.pop("ada-solved") == points.pop("zoe-solved") == FULL
    assert points == dict.fromkeys(ATTACKS, NOTHING)


def test_no_hand_in_release_or_solution_changed(batch: Batch) -> None:
    assert _hashes(batch.course.root / "submitted") == batch.handed_in
    assert (
        batch.spared.items()
        <= (
            _hashes(batch.course.root / "release") | _hashes(Path(batch.course.data.solutions))
        ).items()
    )


def test_the_ledger_is_sound_and_has_each_student_at_this_level(batch: Batch) -> None:
    assert ledger.verify(batch.course.ledger_path) == []
    lines = ledger.read(batch.course.ledger_path)
    assert sorted(line["student"] for line in lines) == sorted([r.student for r in batch.results])
    assert {line["level"] for line in lines} == {batch.level}
    assert {line["student"]: line["incidents"] for line in lines} == INCIDENTS


def test_a_run_that_is_killed_and_started_again_names_the_same_incidents(batch: Batch) -> None:
    course = batch.ungraded
    arguments = [str(course.root), LAB.name, batch.level, str(LINES_BEFORE_THE_KILL)]
    script = str(Path(__file__).with_name("killed_run.py"))
    done = subprocess.run([sys.executable, script, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(ledger.read(course.ledger_path)) == LINES_BEFORE_THE_KILL
    assert {r.error for r in grade_lab(course, LAB.name, jobs=2)} == {None}
    assert ledger.verify(course.ledger_path) == []
    graded = {line["id"] for line in ledger.read(batch.course.ledger_path)}
    again = ledger.read(course.ledger_path)
    assert {line["student"]: line["incidents"] for line in again} == INCIDENTS
    assert len(again) == len(graded) and {line["id"] for line in again} == graded


def test_each_attacker_reads_what_happened(batch: Batch) -> None:
    pages = {page.parent.parent.name: page for page in write_feedback(batch.course, LAB.name)}
    for student, sentence in SAYS.items():
        text = pages[student].read_text()
        assert sentence in text
        assert "CANARY_94" not in text


def test_the_verdict_names_how_it_ended(batch: Batch) -> None:
    ended = {r.student: r.verdict.exercises[0].status for r in batch.results if r.verdict}
    assert ended == {
        "ada-solved": "passed",
        "bea-spoils": "failed",
        "cid-kills": "error",
        "dan-forks": "failed",
        "eve-floods": "error",
        "fay-hoards": "error",
        "gus-spins": "timeout",
        "zoe-solved": "passed",
    }
