"""`labkit ledger verify`: the chain, the gradebook and the hand-ins must tell one story."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from autograder import ledger
from autograder.cli import app
from autograder.course import Course
from autograder.grading import cache, grade_lab
from autograder.grading.gradebook import opened
from autograder.grading.records import LOG
from autograder.reconcile import verify

LAB = "lab91_small"
HandIn = Callable[..., Path]
OWN = shutil.ignore_patterns("course.json", ".labkit.lock")
"""What says where a course is, and belongs to one copy of it."""


def labkit(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def graded(course: Course, judged: list[str], hand_in: HandIn, kept: Path) -> Course:
    """Ana solved it, Bo did not. Graded once; the others get a copy of what that left."""
    hand_in("ana", "solved")
    hand_in("bo", "wrong", written="It is additive.")
    if not (kept / "ledger.jsonl").exists():
        grade_lab(course, LAB)
        shutil.copytree(course.root, kept, dirs_exist_ok=True)
    shutil.copytree(kept, course.root, dirs_exist_ok=True, ignore=OWN)
    return course


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


def set_points(course: Course, student: str, points: float) -> None:
    """What somebody with access to the gradebook could do."""
    with opened(course) as book:
        book.find_grade("check_double", LAB, LAB, student).auto_score = points
        book.db.commit()


def test_a_graded_course_is_sound(graded: Course) -> None:
    done = labkit("ledger", "verify", "--course", graded.root)
    assert (done.exit_code, "note:" in done.output) == (0, False)
    assert f"2 lines, the last one {ledger.head(graded.ledger_path)}" in done.output


def test_points_changed_in_the_gradebook_are_named(graded: Course) -> None:
    set_points(graded, "bo", 3.0)
    done = labkit("ledger", "verify", "--course", graded.root)
    assert done.exit_code == 1
    assert "problem: bo, lab91_small, double: the gradebook says 3, the ledger 0." in done.output
    assert "Traceback" not in done.output


def test_points_given_by_hand_and_extra_credit_are_no_problem(graded: Course) -> None:
    with opened(graded) as book:
        book.find_grade("explain_double", LAB, LAB, "bo").manual_score = 4
        book.find_grade("check_double", LAB, LAB, "bo").extra_credit = 1
        book.find_grade("check_half", LAB, LAB, "bo").manual_score = 2
        book.db.commit()
    assert verify(graded).problems == ()


def test_a_changed_line_is_a_problem(graded: Course) -> None:
    text = graded.ledger_path.read_text()
    graded.ledger_path.write_text(text.replace('"points":0.0', '"points":3.0', 1))
    found = verify(graded).problems
    assert any("was changed after it was written" in problem for problem in found)


def test_lines_cut_off_at_the_end_show_in_the_gradebook_and_by_the_noted_hash(
    graded: Course,
) -> None:
    noted = ledger.head(graded.ledger_path)
    lines = graded.ledger_path.read_text().splitlines(keepends=True)
    graded.ledger_path.write_text(lines[0])
    assert ledger.verify(graded.ledger_path) == []
    (problem,) = verify(graded).problems
    assert problem.startswith("bo, lab91_small: the gradebook has 0 points and the ledger has no")
    assert any(noted in one for one in verify(graded, expected=noted).problems)
    assert not any(noted in one for one in verify(graded, expected=_hash(lines[0])).problems)


def _hash(line: str) -> str:
    return str(json.loads(line)["hash"])


def test_a_ledger_that_is_gone_is_a_problem(graded: Course) -> None:
    graded.ledger_path.unlink()
    assert len(verify(graded).problems) == 2


def test_a_gradebook_that_is_gone_is_a_problem_and_none_is_made(graded: Course) -> None:
    (graded.root / "gradebook.db").unlink()
    assert verify(graded).problems == ("gradebook.db is not there.",)
    assert not (graded.root / "gradebook.db").exists()


def test_verdicts_are_the_instructors_alone(graded: Course) -> None:
    """They tell the seed and name hidden cases."""
    assert graded.verdicts.stat().st_mode & 0o077 == 0


def test_what_was_judged_and_never_recorded_is_a_problem(graded: Course) -> None:
    with opened(graded) as book:
        book.remove_submission(LAB, "ana")
    assert verify(graded).problems == (
        "ana, lab91_small: judged, but not in the gradebook. Run labkit grade lab91_small.",
    )


def test_grading_again_after_going_back_to_the_first_version_agrees(
    graded: Course, hand_in: HandIn
) -> None:
    hand_in("bo", "solved")
    grade_lab(graded, LAB)
    hand_in("bo", "wrong", written="It is additive.")
    grade_lab(graded, LAB)
    assert verify(graded).problems == ()
    assert [x["points"] for x in ledger.read(graded.ledger_path) if x["student"] == "bo"] == [
        0,
        5,
        0,
    ]


def test_a_newer_hand_in_and_a_changed_judge_are_remarks(
    graded: Course, hand_in: HandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in("ana", "wrong")
    assert verify(graded).remarks == (
        "ana, lab91_small: the hand-in is not the file that was judged. "
        "If it is a newer one, run labkit grade lab91_small.",
    )
    monkeypatch.setattr(cache, "tool_hash", lambda: "other tools")
    found = verify(graded)
    assert found.problems == ()
    assert sum("the judge or a package" in remark for remark in found.remarks) == 2


def test_a_changed_lab_is_a_remark(graded: Course) -> None:
    (graded.solution_dir(LAB) / "judge.py").write_text("# other cases\n")
    assert verify(graded).remarks[0] == "ana, lab91_small: the lab's source changed since."


def test_a_torn_line_is_a_remark(graded: Course) -> None:
    with graded.ledger_path.open("a") as file:
        file.write('{"torn')
    assert verify(graded).problems == ()
    assert "torn" in verify(graded).remarks[0]


def test_the_answer_as_json_is_only_json(graded: Course) -> None:
    set_points(graded, "bo", 3.0)
    done = labkit("ledger", "verify", "--course", graded.root, "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (said["ok"], said["lines"], len(said["problems"])) == (False, 2, 1)


def test_a_line_holds_what_an_appeal_needs(graded: Course) -> None:
    (bo,) = (line for line in ledger.read(graded.ledger_path) if line["student"] == "bo")
    assert bo["exercises"] == {
        "double": {"points": 0.0, "max_points": 3.0, "status": "failed"},
        "half": {"points": 0.0, "max_points": 2.0, "status": "not attempted"},
    }
    assert bo["limits"]["double"]["cpu_seconds"] == 10.0
    assert bo["submission_limits"] == {"cpu_seconds": 120.0, "wall_seconds": 600.0}
    assert (bo["judge_hash"], bo["level"], bo["incidents"]) == ("tools", "A", {})
    assert graded.data.seed not in graded.ledger_path.read_text()


def test_the_seed_is_in_the_instructors_log_and_only_the_instructor_reads_it(
    graded: Course,
) -> None:
    log = graded.logs / LOG
    assert log.stat().st_mode & 0o077 == 0
    ana, bo = log.read_text().splitlines()
    assert "ana: 5 of 5 points" in ana and "bo: 0 of 5 points" in bo
    assert f"seed {graded.data.seed!r}" in ana
    grade_lab(graded, LAB)
    assert len(log.read_text().splitlines()) == 2


def test_outside_a_course_the_way_to_make_one_is_told(tmp_path: Path) -> None:
    done = labkit("ledger", "verify", "--course", tmp_path)
    assert done.exit_code == 2
    assert "labkit course init" in done.output
    assert not os.listdir(tmp_path)
